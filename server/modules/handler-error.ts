import type { Position } from '../../directives/index.ts'

export type HandlerErrorCode =
  | 'handler-missing'
  | 'function-missing'
  | 'class-missing'
  | 'cannot-load'
  | 'bad-answer'
  | 'bad-directive'

/** A handler module, or what one of its functions answered, is not what it should be. */
export class HandlerError extends Error {
  readonly code: HandlerErrorCode
  /** The phase that needed it; absent where the module was being loaded. */
  readonly phase: string | undefined
  /** The module, as it was named or as a file. */
  readonly file: string
  /** The line of the configuration that names it. */
  readonly at: Position | undefined

  constructor(
    code: HandlerErrorCode,
    message: string,
    about: { phase?: string; file: string; at?: Position; cause?: unknown },
  ) {
    super(message, 'cause' in about ? { cause: about.cause } : {})
    this.name = 'HandlerError'
    this.code = code
    this.phase = about.phase
    this.file = about.file
    this.at = about.at
  }
}
