import cluster from 'node:cluster'
import type { ServeOptions } from '../process/worker.ts'

/**
 * `pso serve`. Workers, each a whole server, run under a small primary; only a single one in development runs in this process. Resolves to
 * the exit code where it could not start; a server that runs ends by a signal, with 0.
 */
export async function serve(options: ServeOptions): Promise<number> {
  if (cluster.isWorker) return (await import('../process/worker.ts')).serveHere(options, false)
  if (await isAlone(options)) return (await import('../process/worker.ts')).serveHere(options, true)
  return (await import('../process/supervisor.ts')).supervise()
}

/** True for development with one worker. Where the command line decides it, server.ini is not read. */
async function isAlone(options: ServeOptions): Promise<boolean> {
  const { dev, production, workers } = options
  if (production === true || (dev !== true && process.stdout.isTTY !== true)) return false
  if (workers !== undefined && Number(workers) > 1) return false
  const { configSource, readConfig } = await import('../process/server-ini.ts')
  const { isDevelopment, workersOf } = await import('../process/development.ts')
  try {
    const config = readConfig(configSource(options))
    const development = isDevelopment(options, config)
    return development && workersOf(config, development) === 1
  } catch {
    // the server that is about to start says what is wrong
    return true
  }
}
