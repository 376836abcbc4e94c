import { ServerReturn } from '../api/server-return.ts'

/**
 * What a client sent is refused: 413 for too much, 400 for what is malformed, 408 for what does not arrive, 415 for what is compressed. The
 * error log gets a line.
 */
export class InputRefusal extends ServerReturn {}
