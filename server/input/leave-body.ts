import type { RequestState } from '../request-state.ts'
import { waitsToSend } from './expect-continue.ts'
import { announcesBody } from './has-body.ts'
import { receiveBody } from './receive-body.ts'

/** How much of an unwanted body is still read, so that the connection can be kept, in bytes. */
const MOST_KEPT = 256 * 1024
/** How long a client may go on sending after its answer: if its bytes met a closed connection, it might lose the answer. */
const LINGER_MS = 5000

/**
 * The answer is about to end, and a part of the body has not been read. A small rest is read after the answer, so that the next request can
 * follow. A larger one is not waited for: the answer says `Connection: close`, our side of the connection is closed after it, and what still
 * comes is read and dropped for `LINGER_MS` at most (lingering_close of Apache and nginx).
 */
export function leaveBody(state: RequestState): void {
  const { raw, response, output } = state
  const { socket } = raw
  if (raw.readableEnded || !announcesBody(raw) || socket?.destroySoon === undefined) return
  const declared = Number(raw.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  // 408: it does not come
  const comes = output.status !== 408 && !waitsToSend(raw)
  if (raw.complete || (declared <= MOST_KEPT && comes)) {
    response.once('finish', () => {
      state.body?.stop()
      const rest = receiveBody(state, () => {})
      // node does not tell a request whose answer is over
      socket.once('close', rest.stop)
      rest.done.then(
        () => socket.off('close', rest.stop),
        () => socket.destroy(),
      )
    })
    return
  }
  const close = socket.destroySoon.bind(socket)
  // what node calls to end a connection that is not kept
  socket.destroySoon = () => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
    raw.once('end', close)
    state.body?.stop()
    raw.resume()
  }
  if (response.headersSent) response.once('finish', () => socket.destroySoon())
  else response.shouldKeepAlive = false
}
