import cluster, { type Worker } from 'node:cluster'
import { isIPv6 } from 'node:net'
import { cutUntaken } from './cut-untaken.ts'
import { onStopSignal } from './stop-signals.ts'

/** What a worker tells its primary. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly workers: number; readonly addresses: readonly string[] }
  | { readonly type: 'alive' }
  /** It goes on serving until another takes its place. */
  | { readonly type: 'retiring' }

/** Longer than its own watchdog needs on a machine in full use: that one answers whom it can. */
const SILENCE_MS = 30_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/**
 * The primary: starts workers, each a whole server, and puts another in the place of one that dies or falls silent. It reads no
 * configuration and no user code, so that nothing but a signal can end it: how many workers there are the first of them says.
 * Resolves to an exit code where the first worker could not begin.
 */
export function supervise(): Promise<number> {
  return new Promise(resolve => {
    let isReady = false
    let stopping = false
    let wanted = 1
    let ports: string | undefined
    let pause = FIRST_PAUSE_MS
    /** By worker, on a clock that stands still while the machine sleeps. */
    const lastHeard = new Map<number, number>()
    const silent = new Set<number>()
    /** Those that go when another is ready, by the id of that one. */
    const retiring = new Map<number, Worker>()
    const retired = new Set<Worker>()

    const start = (replaces?: string, predecessor?: Worker): void => {
      const worker = cluster.fork({
        ...(replaces === undefined ? {} : { PSO_REPLACES: replaces }),
        ...(ports === undefined ? {} : { PSO_PORTS: ports }),
      })
      lastHeard.set(worker.id, performance.now())
      if (predecessor !== undefined) retiring.set(worker.id, predecessor)
      cutUntaken(worker)
      worker.on('message', (message: WorkerMessage) => {
        lastHeard.set(worker.id, performance.now())
        if (message.type === 'retiring' && !stopping && !retired.has(worker)) {
          retired.add(worker)
          start(`worker ${worker.process.pid} has ended code in the midst of its work; another takes its place`, worker)
        }
        if (message.type !== 'ready') return
        pause = FIRST_PAUSE_MS
        retiring.get(worker.id)?.process.kill('SIGTERM')
        retiring.delete(worker.id)
        if (isReady) return
        isReady = true
        wanted = message.workers
        ports = message.addresses.map(address => new URL(address).port || '80').join(' ')
        console.log(`pso serves ${message.addresses.join(' ')} (${wanted} ${wanted === 1 ? 'worker' : 'workers'})`)
        for (let more = 1; more < wanted; more++) start()
      })
    }

    cluster.on('exit', (worker, code, signal) => {
      lastHeard.delete(worker.id)
      const how = silent.delete(worker.id)
        ? `by SIGKILL, since it had not answered for ${SILENCE_MS / 1000} s: something in it does not end`
        : signal === null || signal === undefined
          ? `with code ${code}`
          : `by ${signal}`
      const predecessor = retiring.get(worker.id)
      retiring.delete(worker.id)
      if (stopping) {
        if (workers().length === 0) process.exit(0)
      } else if (!isReady) {
        resolve(code === 0 ? 1 : code || 1)
      } else if (!retired.delete(worker)) {
        const why = `worker ${worker.process.pid} ended ${how}; another takes its place`
        setTimeout(() => stopping || start(why, predecessor), pause)
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      }
    })

    const silence = setInterval(() => {
      for (const worker of workers()) {
        if (!isReady || performance.now() - (lastHeard.get(worker.id) ?? 0) <= SILENCE_MS) continue
        silent.add(worker.id)
        worker.process.kill('SIGKILL')
      }
    }, 1000)
    silence.unref()

    onStopSignal(() => {
      stopping = true
      for (const worker of workers()) worker.process.kill('SIGTERM')
      if (workers().length === 0) process.exit(0)
    })
    process.on('SIGHUP', () => workers().forEach(worker => worker.process.kill('SIGHUP')))
    start()
    // the first use of Node's pattern for addresses takes some 7 ms: now, while the worker starts, and not when it asks for its port
    isIPv6('::1')
  })
}

const workers = (): Worker[] => Object.values(cluster.workers ?? {}).filter(worker => worker !== undefined)
