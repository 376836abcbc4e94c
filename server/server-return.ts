/**
 * Ends the request from any depth, as mod_python's `raise apache.SERVER_RETURN`: `throw new ServerReturn(404)`.
 * It is an answer, not a failure: the session is saved, and what was written is kept unless the status is 400 or more.
 */
export class ServerReturn extends Error {
  /** OK, DONE, DECLINED or an HTTP status. */
  readonly status: number

  constructor(status: number, message = `the request ended with ${status}`) {
    super(message)
    this.name = 'ServerReturn'
    this.status = status
  }
}
