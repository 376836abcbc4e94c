export type SessionErrorCode =
  | 'cannot-load'
  | 'cannot-save'
  | 'cannot-lock'
  | 'lock-timeout'
  | 'conflict'
  | 'unusable-path'
  | 'bad-value'
  | 'too-large'
  | 'too-late'
  | 'bad-expiry'
  | 'bad-loader'
  | 'bad-cookie'
  | 'read-only'
  | 'ended'
  | 'unavailable'
  | 'no-driver'
  | 'not-built'

/** A session operation failed. The message may reach a log; it never holds an id or data. */
export class SessionError extends Error {
  readonly code: SessionErrorCode

  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'SessionError'
    this.code = code
  }
}
