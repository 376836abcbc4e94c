import type { HandlerRef } from '../directives/index.ts'
import { takeAdded } from './added-functions.ts'
import { ServerReturn } from './api/server-return.ts'
import { DECLINED, DONE, OK } from './api/status.ts'
import { badAnswer } from './modules/bad-answer.ts'
import type { FunctionRef, OwnFunction } from './modules/load-function.ts'
import { phaseOf } from './phases.ts'
import type { RequestState } from './request-state.ts'
import { callFunction, show } from './run-phase.ts'
import { flush } from './send-response.ts'
import { takeResponse } from './take-response.ts'

const content = phaseOf('Content')

/**
 * Runs the content handlers in order (DESIGN 4 and 6): OK goes on to the next, DECLINED and anything else end the list. Resolves to true
 * when the last answer, returned or thrown, was DECLINED: "not mine". Text is appended, objects become JSON, a generator is sent chunk by
 * chunk, a Response as it says; a status of 400 or more, and any other final status, is thrown as a ServerReturn.
 */
export function runContent(state: RequestState, refs: readonly HandlerRef[]): boolean | Promise<boolean> {
  for (let index = 0, ref = nextOf(state, refs, 0); ref !== undefined; ref = nextOf(state, refs, ++index)) {
    let answer: unknown
    try {
      answer = callFunction(state, content, ref)
    } catch (error) {
      if (isDeclined(error)) return true
      throw error
    }
    if (answer instanceof Promise || isGenerator(answer) || answer instanceof Response)
      return state.site.patience.wait(state, runOn(state, refs, index, answer))
    const end = take(state, answer)
    if (end !== undefined) return end
  }
  return false
}

async function runOn(
  state: RequestState,
  refs: readonly HandlerRef[],
  from: number,
  pending: unknown,
): Promise<boolean> {
  let next = pending
  try {
    for (let index = from + 1; ; index++) {
      let answer = await next
      if (isGenerator(answer)) answer = await sendEach(state, answer)
      if (answer instanceof Response) return takeResponse(state, answer).then(() => false)
      const end = take(state, answer)
      if (end !== undefined) return end
      const ref = nextOf(state, refs, index)
      if (ref === undefined) return false
      next = callFunction(state, content, ref)
    }
  } catch (error) {
    if (isDeclined(error)) return true
    throw error
  }
}

/** Those that a directive names, then those that the request added. */
const nextOf = (
  state: RequestState,
  refs: readonly HandlerRef[],
  index: number,
): FunctionRef | OwnFunction | undefined => refs[index] ?? takeAdded(state, 'Content')

const isDeclined = (error: unknown): boolean => error instanceof ServerReturn && error.status === DECLINED

/** Judges one answer: undefined goes on to the next handler, else whether the list ended as DECLINED. */
function take(state: RequestState, answer: unknown): boolean | undefined {
  if (answer === undefined || answer === null || answer === OK || answer === 200) return undefined
  if (answer === DECLINED) return true
  if (answer === DONE) return false
  if (typeof answer === 'number' && Number.isInteger(answer) && answer >= 100 && answer <= 599)
    throw new ServerReturn(answer)
  if (typeof answer === 'string') {
    state.output.write(answer)
    return undefined
  }
  if (typeof answer === 'object') {
    const json = jsonOf(state, answer as object)
    if (state.output.contentType === undefined) state.output.contentType = 'application/json; charset=utf-8'
    state.output.write(json)
    return undefined
  }
  throw badAnswer(state, `expected nothing, OK, DECLINED, DONE, an HTTP status, text or an object, got ${show(answer)}`)
}

function jsonOf(state: RequestState, answer: object): string {
  let json: string | undefined
  try {
    json = JSON.stringify(answer)
  } catch (cause) {
    throw badAnswer(state, `the returned object cannot be JSON: ${(cause as Error).message}`)
  }
  if (json === undefined) throw badAnswer(state, 'the returned object cannot be JSON: its toJSON gives nothing')
  return json
}

/** Sends each chunk as it comes; its return value is the handler's answer. A client that goes away ends it. */
async function sendEach(state: RequestState, generator: AnyGenerator): Promise<unknown> {
  for (;;) {
    const { done, value } = await generator.next()
    if (done) return value
    if (typeof value === 'string' || value instanceof Uint8Array) state.output.write(value)
    else if (value !== undefined && value !== null) state.output.write(String(value))
    try {
      await flush(state)
    } catch (error) {
      // its finally blocks run
      await generator.return(DONE)
      throw error
    }
  }
}

type AnyGenerator = AsyncGenerator<unknown, unknown> | Generator<unknown, unknown>

const isGenerator = (value: unknown): value is AnyGenerator =>
  typeof value === 'object' &&
  value !== null &&
  'next' in value &&
  (Symbol.asyncIterator in value || Symbol.iterator in value)
