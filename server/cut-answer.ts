import { Socket } from 'node:net'
import type { RequestState } from './request-state.ts'

/**
 * Cuts off an answer whose head has left, so that the client can tell. An answer that ends with its connection, as in HTTP/1.0, would look
 * complete (RFC 9112 8): there the connection is reset. TLS itself shows that the end was not intended. What waits to be sent is discarded,
 * and `status` goes to the logs.
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
