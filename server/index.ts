import type { AddressInfo } from 'node:net'
import { DirectivesError, rows, type ServerConfig, serverProblems } from '../directives/index.ts'
import { closeLoaders, onReport, openLoader } from '../session/index.ts'
import { buildApp, cookiesOf } from './app.ts'
import { loaderSpecOf } from './loader-spec-of.ts'
import { openLogs } from './logs/logs.ts'
import { makeSite } from './make-site.ts'
import { holdTickObject } from './process/hold-tick-object.ts'
import { createListeners } from './process/listeners.ts'
import { prepareStateDirectory } from './process/state-directory.ts'
import { UnderWay } from './process/under-way.ts'
import { startPurge } from './purge.ts'
import { requestContext } from './request-context.ts'
import { failRequest } from './serve-request.ts'

export interface ServerOptions {
  readonly config: ServerConfig
  readonly development: boolean
  /** What an address of port 0 has got before, in the order of Listen: a worker that replaces another serves where that one did. */
  readonly ports?: readonly number[]
  /** How many processes serve this configuration; default 1. */
  readonly workers?: number
  /** Ms since the epoch; default the system's clock. Tests pass their own. */
  readonly now?: () => number
  /** False: no watcher, every change is found by looking. Default: development only. */
  readonly watch?: boolean
}

/** How long a stop waits for what no client waits for any more. */
const SETTLE_MS = 5000

/** A web server over a document root. */
export interface Server {
  /** Resolves to its addresses, `http://127.0.0.1:8080/`, when all of Listen are open. */
  listen(): Promise<string[]>
  /** Takes no new connections, finishes what is in flight within Timeout, log functions too, then lets go of everything. */
  close(): Promise<void>
  /**
   * Puts another configuration in place and reopens the logs, or throws as createServer does; requests under way keep theirs. Listen,
   * Workers, TrustProxy and Timeout need a restart.
   */
  reload(config: ServerConfig): void
  /** A line of the error log. */
  logError(message: string): void
  /** An error that nobody caught: lays it to its request, which is answered 500, and names the handler in the log. */
  uncaught(error: unknown): void
  /** Answers a request without a socket, for tests. */
  readonly inject: Awaited<ReturnType<typeof buildApp>>['inject']
}

/** Throws a DirectivesError or a StateDirectoryError where the configuration cannot be served. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { development, workers = 1, now = Date.now, watch = development, ports = [] } = options
  refuseWhole(options.config, workers)
  const { directives } = options.config
  holdTickObject()
  prepareStateDirectory(options.config.stateDirectory)
  const logs = openLogs(options.config, now)
  const holder = {} as Parameters<typeof buildApp>[0]
  const app = await buildApp(holder, directives.TrustProxy, directives.Timeout * 1000)
  const cookies = cookiesOf(app)
  const underWay = new UnderWay()
  const make = (config: ServerConfig) =>
    makeSite({ config, development, workers, now, watch, logs, cookies, underWay, previous: holder.site })
  holder.site = make(options.config)
  const listeners = createListeners(app, directives.Timeout * 1000)
  await app.ready()
  onReport(message => logs.error.write('error', message))
  const spec = loaderSpecOf(options.config, directives)
  if (spec !== undefined) void openLoader(spec).connect?.()
  const stopPurge = startPurge(now)

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
      // handlers whose client has gone away, and log functions, may still be at work
      const left = await underWay.none(SETTLE_MS)
      if (left > 0)
        logs.error.write('error', `${left} requests without a client did not end within ${SETTLE_MS / 1000} s`)
      await holder.site.watcher?.close()
      stopPurge()
      await closeLoaders()
      logs.close()
    },
    reload(config) {
      refuseWhole(config, workers)
      prepareStateDirectory(config.stateDirectory)
      logs.reopen(config)
      for (const name of fixedAtStart)
        if (rows[name].kind.show(config.directives[name]) !== rows[name].kind.show(directives[name]))
          logs.error.write('warn', `${name} has changed in server.ini: it takes a restart`)
      holder.site = make(config)
    },
    logError: message => logs.error.write('error', message),
    uncaught(error) {
      const state = requestContext.getStore()
      if (state === undefined) logs.error.write('error', `uncaught: ${String((error as Error)?.stack ?? error)}`)
      else failRequest(state, error)
    },
    inject: app.inject.bind(app),
  }
}

/** What a reload cannot change. */
const fixedAtStart = ['Listen', 'Workers', 'TrustProxy', 'Timeout'] as const

/** Throws a DirectivesError for what is wrong with the lines of server.ini together, here and now. */
function refuseWhole(config: ServerConfig, workers: number): void {
  const problems = serverProblems(config, workers)
  if (problems.length > 0) throw new DirectivesError(problems)
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`
}
