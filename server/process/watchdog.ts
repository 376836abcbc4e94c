import { url as debuggerUrl } from 'node:inspector'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { HandlerTimeout } from '../handler-timeout.ts'
import { ownExtension } from '../own-extension.ts'
import { requestContext } from '../request-context.ts'
import type { RequestState } from '../request-state.ts'
import { BEAT_MS, type Ended, LIMIT_MS, type Pulse, WITNESS } from './pulse.ts'

/**
 * Ends code that keeps this process computing for 6 s without a pause, such as a loop that does not end: nobody else is served meanwhile,
 * and no timer comes. A thread of its own does it, as a debugger would. `onEnded` hears of it, with the request that the code belonged to,
 * if it did to one. A call that waits and computes nothing, such as `execSync`, is not ended, nor is anything while a debugger is attached.
 *
 * V8 leaves all that was called without its `finally`, and drops what other requests would have gone on with at that moment: a process
 * that this happened to should be replaced soon.
 */
export function startWatchdog(onEnded: (error: HandlerTimeout, state: RequestState | undefined) => void): void {
  if (!process.features.inspector) return
  const pulse: Pulse = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  let before = process.threadCpuUsage()
  const beat = (): void => {
    before = process.threadCpuUsage()
    Atomics.add(pulse, 0, 1)
    Atomics.store(pulse, 1, debuggerUrl() === undefined ? 0 : 1)
  }
  beat()
  setInterval(beat, BEAT_MS).unref()
  let culprit: RequestState | undefined
  const witness = (): number => {
    culprit = requestContext.getStore()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  }
  Object.assign(globalThis, { [WITNESS]: witness })
  const thread = new Worker(join(import.meta.dirname, `watchdog-thread${ownExtension}`), {
    workerData: pulse,
    // what the user has preloaded is for this thread
    execArgv: [],
    env: {},
    resourceLimits: { maxYoungGenerationSizeMb: 1 },
  })
  thread.unref()
  thread.on('message', (ended: Ended) => {
    const state = culprit
    culprit = undefined
    const error = new HandlerTimeout(
      `a loop without an end? ${LIMIT_MS / 1000} s of computing without a pause, while nobody else was served`,
    )
    error.stack = `${error.name}: ${error.message}\n${ended}`
    onEnded(error, state)
  })
}
