import cluster from 'node:cluster'
import type { ServeOptions } from '../worker.ts'

/**
 * `pso serve`. In production whole servers, one a core unless said otherwise, run as workers of a small primary; in development
 * the server runs in this process, unless several workers are asked for. Resolves to the exit code where it could not begin; a
 * server that runs ends by a signal, with 0.
 */
export async function serve(options: ServeOptions): Promise<number> {
  if (cluster.isWorker) return (await import('../worker.ts')).serveHere(options, false)
  if (isProduction(options) || Number(options.workers ?? 1) > 1) return (await import('../supervisor.ts')).supervise()
  return (await import('../worker.ts')).serveHere(options, true)
}

/** What is certain without server.ini, which a primary does not read; at a terminal its addresses have a say, in worker.ts. */
const isProduction = ({ dev, production }: ServeOptions): boolean =>
  production === true || (dev !== true && !process.stdout.isTTY)
