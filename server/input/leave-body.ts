import type { RequestState } from '../request-state.ts'
import { waitsToSend } from './expect-continue.ts'
import { announcesBody } from './has-body.ts'
import { receiveBody } from './receive-body.ts'

/** What is still read of a body that nobody wants, so that the connection can be kept. */
const MOST_KEPT = 256 * 1024
/** How long a client that is still sending may go on after its answer: one whose bytes meet a closed connection may lose the answer. */
const LINGER_MS = 5000

/**
 * The answer is about to end, and a part of the body has not been read. A small one is read after the answer, for the next request to
 * follow. Another is not waited for: the connection says `close`, ends its own side after the answer, and goes on reading until the client
 * is through, `LINGER_MS` at most (lingering_close of Apache and nginx).
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
