import { ServerReturn } from '../api/server-return.ts'

/** What a client sent is not taken: 413 for too much, 400 for what is malformed, 408 for what does not come, 415 for what is packed. The error log has a line of it. */
export class InputRefusal extends ServerReturn {}
