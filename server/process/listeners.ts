import type { Server as HttpServer, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { answerConnect } from '../answer-connect.ts'
import { answerUnreadable, httpOptions } from '../app.ts'
import { answerExpectations } from '../input/expect-continue.ts'
import { createServer } from '../node-http.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** The doors of one app: Fastify's own server for the first address, and one like it for each other. */
export interface Listeners {
  /** Resolves when all are open, in the order given. */
  listen(addresses: readonly ListenAddress[]): Promise<AddressInfo[]>
  /** Takes no more connections; resolves when what was in flight has been answered, or `timeoutMs` have passed (0: however long). */
  close(): Promise<void>
}

/** How long the head of a request that has begun may still take when the server stops. */
const HEAD_MS = 1000
const SWEEP_MS = 20

export function createListeners(app: FastifyInstance, timeoutMs: number): Listeners {
  const servers: HttpServer[] = [app.server]
  const sockets = new Set<Socket>()
  const watch = (server: HttpServer): void => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
  }
  watch(app.server)

  function another(): HttpServer {
    const server = createServer(httpOptions(timeoutMs), (request, response) => app.routing(request, response))
    server.keepAliveTimeout = app.server.keepAliveTimeout
    server.on('clientError', answerUnreadable)
    answerExpectations(server, app.routing)
    answerConnect(server, app.routing)
    watch(server)
    return server
  }

  return {
    async listen([first, ...rest]) {
      await app.listen(first!)
      for (const address of rest) {
        const server = another()
        servers.push(server)
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen(address, resolve)
        })
      }
      return servers.map(server => server.address() as AddressInfo)
    },
    async close() {
      const closed = servers.slice(1).map(server => new Promise(resolve => server.close(resolve)))
      const began = performance.now()
      const sweep = setInterval(() => {
        const waited = performance.now() - began
        // a connection that was busy when this began is kept alive after its answer, for nobody
        for (const server of servers) server.closeIdleConnections()
        // a client that takes nothing, or a stream without an end, does not keep the server up for ever
        const isOver = timeoutMs > 0 && waited > timeoutMs
        for (const socket of sockets) if (isOver || (waited > HEAD_MS && !isAnswering(socket))) socket.destroy()
      }, SWEEP_MS)
      await Promise.all([app.close(), ...closed])
      clearInterval(sweep)
    },
  }
}

/** A request of this connection has been read and its answer is not over: node keeps it there. */
const isAnswering = (socket: Socket): boolean =>
  ((socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? null) !== null
