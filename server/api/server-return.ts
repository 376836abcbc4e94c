import { DECLINED, DONE, OK } from './status.ts'

/**
 * Ends the request from any depth, as mod_python's `raise apache.SERVER_RETURN`: `throw new ServerReturn(404)`.
 * It is an answer, not a failure: the session is saved, and what was written is kept unless the status is 400 or more.
 * A TypeError, which is a failure, where `status` is none of those; its stack says where the mistake is.
 */
export class ServerReturn extends Error {
  /** OK, DONE, DECLINED or an HTTP status. */
  readonly status: number

  constructor(status: number, message = `the request ended with ${status}`) {
    super(message)
    if (![OK, DECLINED, DONE].includes(status) && !(Number.isInteger(status) && status >= 100 && status <= 599))
      throw new TypeError(`expected OK, DECLINED, DONE or an HTTP status from 100 to 599, got ${String(status)}`)
    this.name = 'ServerReturn'
    this.status = status
  }
}
