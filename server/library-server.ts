import { makeServer } from './index.ts'
import { type LibraryOptions, librarySource } from './library-config.ts'
import { isDevelopment } from './process/development.ts'
import { readConfig } from './process/server-ini.ts'

export interface CreateServerOptions extends LibraryOptions {
  /** `HOST:PORT` in place of Listen; port 0 is any that is free. */
  readonly listen?: string
  /** Default: as `pso serve` decides, where standard output is a terminal and every address is loopback. */
  readonly development?: boolean
}

/** A web server in the process of the program that made it. */
export interface LibraryServer {
  /** Resolves to its addresses, `http://127.0.0.1:8080/`, when all of Listen are open. */
  listen(): Promise<string[]>
  /** Takes no new connections, finishes what is in flight within Timeout, log functions too, then lets go of everything. */
  close(): Promise<void>
  /** Reads server.ini again and reopens the logs; throws where it cannot be used, and the old configuration keeps serving. */
  reload(): void
  /** Answers a request without a socket, as Fastify's inject does: for tests. */
  readonly inject: Awaited<ReturnType<typeof makeServer>>['inject']
}

/** See `createServer` of the package. Rejects with a message for people where the configuration cannot be served. */
export async function createLibraryServer(options: CreateServerOptions): Promise<LibraryServer> {
  const read = () => readConfig(librarySource(options))
  const config = read()
  const { development: dev } = options
  const development = isDevelopment({ dev: dev === true, production: dev === false }, config)
  const { listen, close, reload, inject } = await makeServer({ config, development })
  return { listen, close, reload: () => reload(read()), inject }
}
