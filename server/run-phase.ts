import type { HandlerRef } from '../directives/index.ts'
import { takeAdded } from './added-functions.ts'
import { requestOf } from './api/request.ts'
import { ServerReturn } from './api/server-return.ts'
import { DECLINED, DONE, isFinalStatus, OK } from './api/status.ts'
import { badAnswer } from './modules/bad-answer.ts'
import { type FunctionRef, loadFunction, type OwnFunction, type PhaseFunction } from './modules/load-function.ts'
import type { Phase } from './phase.ts'
import type { RequestState } from './request-state.ts'

/**
 * Runs the functions that a phase's directive names, in order, then those that the request added to it. Answers whether a function of a
 * `first` phase took the request as its own; the request goes on either way. DONE and HTTP statuses end the request: they are thrown as a
 * ServerReturn. Content has an engine of its own, `run-content.ts`. A promise only where a function or the loading of its module is one.
 */
export function runPhase(state: RequestState, phase: Phase, refs: readonly HandlerRef[]): boolean | Promise<boolean> {
  for (let index = 0; index < refs.length; index++) {
    const answer = callFunction(state, phase, refs[index]!)
    if (answer instanceof Promise) return wait(state, runOn(state, phase, refs, index, answer))
    if (endsPhase(state, phase, answer)) return true
  }
  return state.added === undefined ? false : wait(state, runAdded(state, phase))
}

const wait = <Value>(state: RequestState, pending: Promise<Value>): Promise<Value> =>
  state.site.patience.wait(state, pending)

async function runOn(
  state: RequestState,
  phase: Phase,
  refs: readonly HandlerRef[],
  from: number,
  pending: Promise<unknown>,
): Promise<boolean> {
  if (endsPhase(state, phase, await pending)) return true
  for (const ref of refs.slice(from + 1))
    if (endsPhase(state, phase, await callFunction(state, phase, ref))) return true
  return runAdded(state, phase)
}

async function runAdded(state: RequestState, phase: Phase): Promise<boolean> {
  for (let next = takeAdded(state, phase.name); next !== undefined; next = takeAdded(state, phase.name))
    if (endsPhase(state, phase, await callFunction(state, phase, next))) return true
  return false
}

/** What the function answered, as it is; loading errors and what it throws pass through. */
export function callFunction(state: RequestState, phase: Phase, ref: FunctionRef | OwnFunction): unknown {
  state.phase = phase.name
  state.running = undefined
  state.base = ref.base
  if ('run' in ref) return call(state, phase, ref)
  const loaded = loadFunction(state.site, ref, phase)
  return loaded instanceof Promise ? loaded.then(found => call(state, phase, found)) : call(state, phase, loaded)
}

function call(state: RequestState, { name }: Phase, found: PhaseFunction): unknown {
  // answered meanwhile, by failRequest: what does come back is not followed by anything but what follows the answer
  if (state.settled && name !== 'Log' && name !== 'Cleanup') throw new ServerReturn(DONE, 'the request is over')
  state.running = found.name
  const answer = found.run(requestOf(state))
  return isThenable(answer) ? Promise.resolve(answer) : answer
}

/** True for a promise of a library's own kind, such as a query that runs when it is awaited. */
const isThenable = (answer: unknown): boolean =>
  typeof answer === 'object' &&
  answer !== null &&
  !(answer instanceof Promise) &&
  typeof (answer as { then?: unknown }).then === 'function'

/** Judges one answer by DESIGN 5; throws what ends the request. */
function endsPhase(state: RequestState, phase: Phase, answer: unknown): boolean {
  const status = answer === undefined || answer === null ? (phase.runs === 'first' ? DECLINED : OK) : answer
  if (status === DECLINED) return false
  if (status === OK || status === 200) return phase.runs === 'first'
  if (status === DONE || (typeof status === 'number' && isFinalStatus(status))) throw new ServerReturn(status as number)
  throw badAnswer(
    state,
    `expected OK, DECLINED, DONE, an HTTP status or nothing from the ${phase.name} phase, got ${show(answer)}`,
  )
}

/** A wrong answer as a message shows it: its kind, and its value where that is short. */
export function show(answer: unknown): string {
  if (typeof answer === 'number' || typeof answer === 'boolean') return String(answer)
  if (typeof answer === 'string') return `the text ${JSON.stringify(answer.slice(0, 40))}`
  return `a value of type ${typeof answer}`
}
