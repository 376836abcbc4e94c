import type { HandlerRef } from '../directives/index.ts'
import { ServerReturn } from './api/server-return.ts'
import { DECLINED, DONE, OK } from './api/status.ts'
import { HandlerError } from './modules/handler-error.ts'
import { phaseOf } from './phases.ts'
import type { RequestState } from './request-state.ts'
import { callFunction, show } from './run-phase.ts'
import { flush } from './send-response.ts'

const content = phaseOf('Content')

/**
 * Runs the content handlers in order (DESIGN 4 and 6): OK goes on to the next, DECLINED and anything else end the list.
 * Resolves to true when the last answer, returned or thrown, was DECLINED: "not mine". Text is appended, objects become JSON, an async generator is
 * sent chunk by chunk; a status of 400 or more, and any other final status, is thrown as a ServerReturn.
 */
export function runContent(state: RequestState, refs: readonly HandlerRef[]): boolean | Promise<boolean> {
  for (let index = 0; index < refs.length; index++) {
    let answer: unknown
    try {
      answer = callFunction(state, content, refs[index]!)
    } catch (error) {
      if (isDeclined(error)) return true
      throw error
    }
    if (answer instanceof Promise || isAsyncGenerator(answer)) return runOn(state, refs, index, answer)
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
    for (let index = from; index < refs.length; index++) {
      if (index > from) next = callFunction(state, content, refs[index]!)
      let answer = await next
      if (isAsyncGenerator(answer)) answer = await sendEach(state, answer)
      const end = take(state, answer)
      if (end !== undefined) return end
    }
    return false
  } catch (error) {
    if (isDeclined(error)) return true
    throw error
  }
}

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
  if (answer instanceof Response) throw wrong(state, 'a returned Response is not built yet: use req.write')
  if (typeof answer === 'object') {
    const json = jsonOf(state, answer as object)
    if (state.output.contentType === undefined) state.output.contentType = 'application/json; charset=utf-8'
    state.output.write(json)
    return undefined
  }
  throw wrong(state, `expected nothing, OK, DECLINED, DONE, an HTTP status, text or an object, got ${show(answer)}`)
}

function jsonOf(state: RequestState, answer: object): string {
  let json: string | undefined
  try {
    json = JSON.stringify(answer)
  } catch (cause) {
    throw wrong(state, `the returned object cannot be JSON: ${(cause as Error).message}`)
  }
  if (json === undefined) throw wrong(state, 'the returned object cannot be JSON: its toJSON gives nothing')
  return json
}

const wrong = ({ running = '' }: RequestState, message: string): HandlerError =>
  new HandlerError('bad-answer', `${message} (${running})`, { phase: 'Content', file: running })

/** Sends each chunk as it comes; its return value is the handler's answer. A client that goes away ends it. */
async function sendEach(state: RequestState, generator: AsyncGenerator<unknown, unknown>): Promise<unknown> {
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

const isAsyncGenerator = (value: unknown): value is AsyncGenerator<unknown, unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value
