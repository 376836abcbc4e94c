import { type Debugger, Session } from 'node:inspector/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { BEAT_MS, type Ended, LIMIT_MS, type Pulse, WITNESS } from './pulse.ts'

// Looks for the event loop of its process, and ends what keeps it computing.

/** JavaScript that computes obeys within so many ms; what takes longer was waiting in a call of the system, and may be over. */
const OBEYS_MS = 1000

// a question to the inspector does not keep a thread
parentPort!.ref()

const pulse = workerData as Pulse
const beats = (): number => Atomics.load(pulse, 0)

let seen = -1
let since = process.cpuUsage()
for (;;) {
  // nobody wakes it
  Atomics.wait(pulse, 1, Atomics.load(pulse, 1), BEAT_MS)
  if (beats() !== seen) {
    seen = beats()
    since = process.cpuUsage()
    continue
  }
  const { user, system } = process.cpuUsage(since)
  if ((user + system) / 1000 < LIMIT_MS || Atomics.load(pulse, 1) === 1) continue
  const ended = await endWhatRuns()
  if (ended !== undefined) parentPort!.postMessage(ended satisfies Ended)
}

/** Resolves to where it was; to nothing where it had just ended by itself. */
async function endWhatRuns(): Promise<Ended | undefined> {
  const session = new Session()
  session.connectToMainThread()
  try {
    const urls = new Map<string, string>()
    session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url))
    const paused = new Promise<Debugger.PausedEventDataType>(resolve =>
      session.once('Debugger.paused', ({ params }) => resolve(params)),
    )
    const asked = performance.now()
    await session.post('Debugger.enable')
    await session.post('Debugger.pause')
    const { callFrames } = await paused
    const hasObeyed = performance.now() - asked < OBEYS_MS
    // in the global scope of pso, whichever the code that runs has
    const { result } = await session.post('Runtime.evaluate', { expression: `globalThis.${WITNESS}()` })
    const isStuck = beats() === seen && hasObeyed && result.value >= LIMIT_MS && callFrames[0]?.functionName !== 'beat'
    if (!isStuck) {
      await session.post('Debugger.resume')
      return undefined
    }
    // node's own functions keep a stack of what runs, and node ends a process where that does not fit: what is left of it is taken off
    for (const { callFrameId, location } of callFrames)
      if (urls.get(location.scriptId)?.startsWith('node:'))
        await session.post('Debugger.evaluateOnCallFrame', {
          callFrameId,
          expression: 'emitAfter(asyncId)',
          silent: true,
        })
    const ended = session.post('Runtime.terminateExecution')
    await session.post('Debugger.resume')
    await ended
    return callFrames.map(frame => lineOf(frame, urls.get(frame.location.scriptId))).join('\n')
  } finally {
    session.disconnect()
  }
}

/** As a `stack` has it; the protocol counts from 0. */
function lineOf({ functionName, location }: Debugger.CallFrame, url = '<unknown>'): string {
  const { lineNumber, columnNumber = 0 } = location
  return `    at ${functionName || '<anonymous>'} (${url}:${lineNumber + 1}:${columnNumber + 1})`
}
