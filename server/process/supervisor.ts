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

    /** `predecessor`: goes when this one is ready. */
    const start = (replaces?: string, predecessor?: Worker): void => {
      const worker = cluster.fork({
        ...(replaces === undefined ? {} : { PSO_REPLACES: replaces }),
        ...(ports === undefined ? {} : { PSO_PORTS: ports }),
      })
      /** On a clock that stands still while the machine sleeps. */
      let lastHeard = performance.now()
      let isSilent = false
      /** Another takes its place already. */
      let isReplaced = false
      let goes = predecessor
      const silence = setInterval(() => {
        if (!isReady || performance.now() - lastHeard <= SILENCE_MS) return
        isSilent = true
        worker.process.kill('SIGKILL')
      }, 1000)
      silence.unref()
      cutUntaken(worker)
      worker.on('message', (message: WorkerMessage) => {
        lastHeard = performance.now()
        if (message.type === 'retiring' && !stopping && !isReplaced) {
          isReplaced = true
          start(`worker ${worker.process.pid} has ended code in the midst of its work; another takes its place`, worker)
        }
        if (message.type !== 'ready') return
        pause = FIRST_PAUSE_MS
        goes?.process.kill('SIGTERM')
        goes = undefined
        if (isReady) return
        isReady = true
        wanted = message.workers
        ports = message.addresses.map(address => new URL(address).port || '80').join(' ')
        console.log(`pso serves ${message.addresses.join(' ')} (${wanted} ${wanted === 1 ? 'worker' : 'workers'})`)
        for (let more = 1; more < wanted; more++) start()
      })
      worker.on('exit', (code, signal) => {
        clearInterval(silence)
        const how = isSilent
          ? `by SIGKILL, since it had not answered for ${SILENCE_MS / 1000} s: something in it does not end`
          : signal === null || signal === undefined
            ? `with code ${code}`
            : `by ${signal}`
        if (stopping) {
          if (workers().length === 0) process.exit(0)
        } else if (!isReady) {
          resolve(code === 0 ? 1 : code || 1)
        } else if (!isReplaced) {
          const why = `worker ${worker.process.pid} ended ${how}; another takes its place`
          setTimeout(() => stopping || start(why, goes), pause)
          pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
        }
      })
    }

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
