import { Socket } from 'node:net'
import type { RequestState } from './request-state.ts'

/**
 * Cuts off an answer whose head has left, so that the client can tell. One that only the end of the connection ends, as HTTP/1.0 has it,
 * would look complete (RFC 9112 8): there the connection is reset. TLS says by itself that its end was not meant. What waits to be sent
 * is let go, and the logs have the status that it came to.
 */
export function cutAnswer({ response, output }: RequestState, status: number): void {
  output.status = status
  const { socket, chunkedEncoding } = response
  if (chunkedEncoding || output.promised !== undefined || !isTcp(socket)) response.destroy()
  else socket.resetAndDestroy()
  output.discard()
}

/** False for TLS, for the socket of a path, which has no address, and for none. */
const isTcp = (socket: Socket | null): socket is Socket =>
  socket instanceof Socket && !('encrypted' in socket) && socket.remoteAddress !== undefined
