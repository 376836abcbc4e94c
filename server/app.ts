import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { answerConnect } from './answer-connect.ts'
import { answerExpectations } from './input/expect-continue.ts'
import { METHODS } from './node-http.ts'
import { requestContext } from './request-context.ts'
import { RequestState } from './request-state.ts'
import { serveRequest } from './serve-request.ts'
import type { Site } from './site.ts'

/** What the app asks of its server at each request: a reload puts another site there. */
export interface SiteHolder {
  readonly site: Site
}

/** What the server of each address is made with; `timeoutMs`: how long a client may take to send the head of its request. */
export const httpOptions = (timeoutMs: number) => ({
  maxHeaderSize: 64 * 1024,
  // a body may take its time, as long as it comes: receive-body.ts watches
  requestTimeout: 0,
  headersTimeout: timeoutMs,
  // every 30 s unless told otherwise, whatever the limit is
  connectionsCheckingInterval: Math.min(5000, timeoutMs / 4),
})

/**
 * Fastify with one catch-all route, whose onRequest hook hands every request to `serve-request.ts`. All of the response is
 * written there: Fastify's own reply would run onSend twice for a failed save and never tell of a client that went away.
 */
export function buildApp(holder: SiteHolder, trustProxy: readonly string[], timeoutMs: number): FastifyInstance {
  const app = Fastify({
    logger: false,
    // the gate is locate.ts alone: Fastify would answer /%zz itself, before any hook
    rewriteUrl: () => '/',
    trustProxy: trustProxy.length === 0 ? false : [...trustProxy],
    return503OnClosing: false,
    requestTimeout: 0,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    http: httpOptions(timeoutMs),
    clientErrorHandler: answerUnreadable,
    // no route has a schema: without these Fastify loads ajv and its kin at every start
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  })
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
  app.route({
    method: METHODS,
    url: '/',
    exposeHeadRoute: false,
    onRequest(request, reply) {
      reply.hijack()
      const state = new RequestState(holder.site, request, reply.raw)
      requestContext.run(state, serveRequest, state)
    },
    handler: () => undefined,
  })
  answerExpectations(app.server, app.routing)
  answerConnect(app.server, app.routing)
  return app
}

function noSchemas(): never {
  throw new Error('pso gives its route no schema')
}

/** A request that could not be read has no route: a bare answer, then the connection is closed. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  // behind the head of an answer another one would be a part of its body
  const hasBegun = (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true
  if (error.code === 'ECONNRESET' || !socket.writable || hasBegun) {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${status.length + 1}\r\n\r\n${status}\n`,
  )
}
