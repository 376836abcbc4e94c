import { flushCompileCache } from 'node:module'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { DirectivesError, type ServerConfig } from '../../directives/index.ts'
import { hasMemoryLoader } from '../../session/index.ts'
import { endAll } from '../end-together.ts'
import { makeServer, type Server } from '../index.ts'
import { LogError } from '../logs/logs.ts'
import { requestContext } from '../request-context.ts'
import { isDevelopment, workersOf } from './development.ts'
import { guardProcessExit } from './process-exit.ts'
import { type ConfigArguments, ConfigError, configSource, readConfig } from './server-ini.ts'
import { StateDirectoryError } from './state-directory.ts'
import { onStopSignal } from './stop-signals.ts'
import type { WorkerMessage } from './supervisor.ts'
import { startWatchdog } from './watchdog.ts'

export interface ServeOptions extends ConfigArguments {
  readonly dev?: boolean
  readonly production?: boolean
}

/**
 * Serves in this process until a signal comes. `alone`: there is no primary, and this process says itself that it is ready.
 * Resolves to an exit code where it cannot begin: 2 for a bad configuration, 1 for an address that is taken.
 */
export async function serveHere(options: ServeOptions, alone: boolean): Promise<number> {
  let server: Server
  let addresses: string[]
  try {
    const source = configSource(options)
    const config = readConfig(source)
    const development = isDevelopment(options, config)
    const workers = alone ? 1 : workersOf(config, development)
    const ports =
      process.env['PSO_PORTS']?.split(' ').map(Number) ??
      (alone ? [] : await Promise.all(config.directives.Listen.map(choosePort)))
    server = await makeServer({ config, development, workers, ports })
    addresses = await server.listen()
    // without a server.ini there may be one at the next reload
    obeySignals(server, () => readConfig(source.file === undefined ? configSource(options) : source))
    announce({ workers, addresses }, alone, development)
  } catch (error) {
    const isConfiguration = [ConfigError, DirectivesError, StateDirectoryError, LogError].some(
      one => error instanceof one,
    )
    if (isConfiguration) return complain((error as Error).message, 2)
    const { code, address, port, hostname } = error as ListenError
    if (code === 'EADDRINUSE')
      return complain(`${address}:${port} is taken: another server listens there (Listen, --listen)`, 1)
    if (code === 'EACCES' && port !== undefined)
      return complain(`${address}:${port} may not be opened by this user (Listen, --listen)`, 1)
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
      return complain(`${hostname} is the name of no machine that can be found (Listen, --listen)`, 1)
    if (code === 'EADDRNOTAVAIL') return complain(`${address} is no address of this machine (Listen, --listen)`, 1)
    return complain(String((error as Error).stack ?? error), 1)
  }
  const replaced = process.env['PSO_REPLACES']
  if (replaced !== undefined) server.logError(replaced)
  // what a module left running fails on its own: the request it belongs to is answered, the others notice nothing
  const uncaught = (error: unknown): void => server.failed(error, requestContext.getStore())
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  startWatchdog((error, state) => {
    endAll()
    // its code was ended in the midst of reading from this connection, perhaps
    if (state !== undefined) state.response.shouldKeepAlive = false
    server.failed(error, state)
    if (process.connected && !hasMemoryLoader()) process.send!({ type: 'retiring' } satisfies WorkerMessage)
  })
  guardProcessExit()
  flushCompileCache()
  return 0
}

type ListenError = NodeJS.ErrnoException & {
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

/**
 * A port that is free, for an address that leaves it open: workers share an address by its port, and one that the first of them got for 0
 * would be another address to the next.
 */
function choosePort({ host, port }: { readonly host: string; readonly port: number }): Promise<number> {
  if (port !== 0) return Promise.resolve(port)
  return new Promise((resolve, reject) => {
    const probe = createNetServer().once('error', reject)
    probe.listen({ host, port, exclusive: true }, () => {
      const { port: free } = probe.address() as AddressInfo
      probe.close(() => resolve(free))
    })
  })
}

function complain(message: string, exitCode: number): number {
  console.error(`pso: ${message}`)
  // a worker's channel would keep it alive, and one that only disconnects would end with 0
  if (process.connected) process.exit(exitCode)
  return exitCode
}

function announce(
  { workers, addresses }: { readonly workers: number; readonly addresses: readonly string[] },
  alone: boolean,
  development: boolean,
): void {
  if (alone) {
    console.log(`pso serves ${addresses.join(' ')} (${development ? 'development' : 'production'})`)
    return
  }
  process.send!({ type: 'ready', workers, addresses } satisfies WorkerMessage)
  setInterval(() => process.connected && process.send!({ type: 'alive' }), 1000).unref()
}

function obeySignals(server: Server, readAgain: () => ServerConfig): void {
  const stop = onStopSignal(() => {
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
  // the primary is gone: nobody would replace or stop this worker
  process.on('disconnect', stop)
  process.on('SIGHUP', () => {
    try {
      server.reload(readAgain())
    } catch (error) {
      server.logError(`server.ini is not taken, the old configuration keeps serving: ${(error as Error).message}`)
    }
  })
}
