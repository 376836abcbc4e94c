import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { ServerResponse } from './node-http.ts'

/**
 * CONNECT is for proxies: it is answered like any other request, by `checkLimits`, and its connection is closed. Node takes it for the start
 * of a tunnel and detaches the connection, or closes it at once where nobody listens to `connect`.
 */
export function answerConnect(
  server: Server,
  route: (request: IncomingMessage, response: InstanceType<typeof ServerResponse>) => void,
): void {
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    // a client that is gone
    socket.on('error', () => socket.destroy())
    // it came while another request was being answered: node has detached that answer too
    if ((socket as { _httpMessage?: unknown })._httpMessage) {
      socket.destroy()
      return
    }
    socket.resume()
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => socket.destroySoon())
    route(request, response)
  })
}
