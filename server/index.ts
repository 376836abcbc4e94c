import type { AddressInfo } from 'node:net'
import type { ServerConfig } from '../directives/index.ts'
import { buildApp } from './app.ts'
import { openSite, type SiteOptions } from './open-site.ts'
import { createListeners } from './process/listeners.ts'
import type { RequestState } from './request-state.ts'
import { failRequest } from './serve-request.ts'

export interface ServerOptions extends Omit<SiteOptions, 'prefix'> {
  /** The ports that addresses of port 0 got before, in the order of Listen: a worker that replaces another serves where that one did. */
  readonly ports?: readonly number[]
}

/** A web server over a document root. */
export interface Server {
  /** Resolves to its addresses, `http://127.0.0.1:8080/`, when all of Listen are open. */
  listen(): Promise<string[]>
  /** Takes no new connections, finishes what is in flight within Timeout, log functions too, then lets go of everything. */
  close(): Promise<void>
  /**
   * Puts another configuration in place and reopens the logs, or throws as makeServer does; requests under way keep theirs. Listen,
   * Workers, TrustProxy and Timeout need a restart.
   */
  reload(config: ServerConfig): void
  /** A line of the error log. */
  logError(message: string): void
  /** An error that nobody caught: if it belongs to a request, that is answered with it, and the log names the handler. */
  failed(error: unknown, state: RequestState | undefined): void
  /** Answers a request without a socket, for tests. */
  readonly inject: ReturnType<typeof buildApp>['inject']
}

/** The server of a configuration that has been read. Throws as openSite does. */
export async function makeServer({ ports = [], ...options }: ServerOptions): Promise<Server> {
  const { directives } = options.config
  const opened = await openSite(options)
  const app = buildApp(opened, directives.TrustProxy, directives.Timeout * 1000)
  const listeners = createListeners(app, directives.Timeout * 1000)
  await app.ready()
  const logError = (message: string): void => opened.logs.error.write('error', message)

  return {
    async listen() {
      const wanted = directives.Listen.map(({ host, port }, index) => ({
        host,
        port: port === 0 ? (ports[index] ?? 0) : port,
      }))
      return (await listeners.listen(wanted)).map(urlOf)
    },
    async close() {
      await listeners.close()
      await opened.close()
    },
    reload: opened.reload,
    logError,
    failed(error, state) {
      if (state === undefined) logError(`uncaught: ${String((error as Error)?.stack ?? error)}`)
      else failRequest(state, error)
    },
    inject: app.inject.bind(app),
  }
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`
}
