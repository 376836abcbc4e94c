export class HandlerError extends Error {
  readonly code: string
  readonly frame?: string
  constructor(code: string, message: string, options: { phase?: string; file?: string; at?: unknown; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'HandlerError'
    this.code = code
  }
}
