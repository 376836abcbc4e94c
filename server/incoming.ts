import type { IncomingMessage } from 'node:http'

/** A request as it comes to `serve-request.ts`: from Fastify, or from a web server that runs a handler as a CGI program. */
export interface Incoming {
  readonly raw: IncomingMessage
  readonly method: string
  /** The request target as the client sent it. */
  readonly originalUrl: string
  /** The client's address, as seen through TrustProxy; so are the three below. */
  readonly ip: string
  /** The host that the client named, with its port; '' where it named none. */
  readonly host: string
  /** Without a port. */
  readonly hostname: string
  readonly protocol: string
  /** What the web server that runs us says of the request (RFC 3875); undefined where we are the server. */
  readonly environment?: Readonly<Record<string, string>>
}
