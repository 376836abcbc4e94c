import { DirectivesError, type HandlerRef } from '../directives/index.ts'
import { ALLOWED_METHODS } from './allowed-methods.ts'
import { ServerReturn } from './api/server-return.ts'
import { chooseContent, outsideRefusal } from './choose-content.ts'
import { unmetExpectation } from './input/expect-continue.ts'
import { readInput } from './input/read-input.ts'
import { badAnswer } from './modules/bad-answer.ts'
import { loadFunction, type PhaseFunction } from './modules/load-function.ts'
import { serviceIdOf } from './open-session-for.ts'
import { type Judged, judgeNames } from './own-directives.ts'
import type { PhaseName } from './phase.ts'
import { phaseOf } from './phases.ts'
import { handlerOf, planOf } from './plan.ts'
import { Refusal } from './refusal.ts'
import type { RequestState } from './request-state.ts'
import { runPhase } from './run-phase.ts'

/**
 * One step of a request's way: reads what stands to its left in the state, and writes one thing. A promise only where it has to wait.
 * Here are those that are no file of their own, in the order of `line.ts`.
 */
export type Step = (state: RequestState) => unknown

/** Apache's LimitRequestLine and LimitRequestFields; one Host (RFC 9112 3.2); no expectation but 100-continue; TRACE and CONNECT are off. */
export function checkLimits(state: RequestState): void {
  const { LimitRequestLine, LimitRequestFields } = state.site.config.directives
  const { raw } = state
  const length = `${raw.method} ${state.url} HTTP/1.1`.length
  if (LimitRequestLine > 0 && length > LimitRequestLine)
    throw new ServerReturn(414, `the request line has ${length} bytes, LimitRequestLine is ${LimitRequestLine}`)
  if (LimitRequestFields > 0 && raw.rawHeaders.length / 2 > LimitRequestFields)
    throw new ServerReturn(
      400,
      `the request has ${raw.rawHeaders.length / 2} header fields, LimitRequestFields is ${LimitRequestFields}`,
    )
  if (hostsOf(raw.rawHeaders) > 1) throw new ServerReturn(400, 'the request names its host twice')
  const expected = unmetExpectation(raw)
  if (expected !== undefined)
    throw new ServerReturn(417, `the client expects ${JSON.stringify(expected)}, and only 100-continue can be`)
  if (raw.method === 'TRACE' || raw.method === 'CONNECT') {
    state.output.headers.set('Allow', ALLOWED_METHODS)
    throw new ServerReturn(405, `${raw.method} is off`)
  }
}

function hostsOf(rawHeaders: readonly string[]): number {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.length === 4 && rawHeaders[at]!.toLowerCase() === 'host') hosts++
  return hosts
}

export function phase(name: PhaseName): Step {
  const row = phaseOf(name)
  return state => {
    const functions = state.plan.phases[name]
    if (functions.length > 0 || state.added !== undefined) return runPhase(state, row, functions)
    return undefined
  }
}

export function locate(state: RequestState): void {
  const { site } = state
  state.location = site.locator.locate(state.url)
  site.watcher?.add(state.location.directory)
}

export function configure(state: RequestState): void | Promise<void> {
  const location = state.location!
  const merged = state.site.store.configOf({ directory: location.directory, name: location.name, path: location.path })
  const judged = judgeNames(state.site, merged)
  return judged instanceof Promise
    ? state.site.patience.wait(state, judged).then(one => planFor(state, one))
    : planFor(state, judged)
}

function planFor(state: RequestState, { merged, failure }: Judged): void {
  if (failure !== undefined) throw failure
  state.plan = planOf(state.site, merged)
  state.firstPlan ??= state.plan
  if (state.plan.problems.length > 0) throw new DirectivesError(state.plan.problems)
}

export function choose(state: RequestState): void {
  state.content = chooseContent(state.location!, state.plan, handlerOf(state.site, state.plan), state.site.isFile)
}

export function refuseOutside(state: RequestState): void {
  const reason = outsideRefusal(state.location!, state.plan.directives)
  if (reason !== undefined) throw new Refusal(403, reason)
}

export function requireAccess(state: RequestState): void {
  // the document of a refusal is shown in the place that was refused, as Apache does
  if (state.plan.directives.Require === 'denied' && state.errorStatus === undefined)
    throw new ServerReturn(403, 'Require all denied')
}

const authenPhase = phaseOf('Authen')

export function authen(state: RequestState): void | Promise<void> {
  const functions = state.plan.phases.Authen
  if (functions.length === 0 && state.added === undefined) return
  const taken = runPhase(state, authenPhase, functions)
  return taken instanceof Promise ? taken.then(isTaken => requireUser(state, isTaken)) : requireUser(state, taken)
}

function requireUser(state: RequestState, isTaken: boolean): void {
  if (isTaken && state.user === undefined)
    throw badAnswer(state, 'expected req.user to be set by the Authen phase when it answers OK')
}

const contentPhase = phaseOf('Content')

/** A form's body is read before any lock; a Fetch-style app reads its body itself. */
export function input(state: RequestState): void | Promise<void> {
  const { content, raw } = state
  if (content!.kind !== 'handler' || raw.headers['content-type'] === undefined) return readInput(state)
  const takesBody = someTakesBody(state, content!.handlers)
  return takesBody instanceof Promise
    ? state.site.patience.wait(state, takesBody).then(isLeft => readInput(state, isLeft))
    : readInput(state, takesBody)
}

/** A promise only where a module has to be loaded. */
function someTakesBody({ site }: RequestState, refs: readonly HandlerRef[]): boolean | Promise<boolean> {
  const found = refs.map(ref => loadFunction(site, ref, contentPhase))
  if (found.some(one => one instanceof Promise))
    return Promise.all(found).then(all => all.some(({ takesBody }) => takesBody))
  return (found as PhaseFunction[]).some(({ takesBody }) => takesBody)
}

const fixupPhase = phaseOf('Fixup')

/** Once for a client request and service, however many passes it takes; the default alone has nothing to do where no handler answers. */
export function fixup(state: RequestState): unknown {
  if (isFixedUp(state)) return state.added === undefined ? undefined : runPhase(state, fixupPhase, [])
  return runPhase(state, fixupPhase, state.plan.phases.Fixup)
}

function isFixedUp(state: RequestState): boolean {
  const { plan, content } = state
  if (content!.kind !== 'handler' && !plan.ownFixup) return true
  const serviceId = serviceIdOf(state)
  if (state.fixedUp?.includes(serviceId)) return true
  if (state.fixedUp === undefined) state.fixedUp = [serviceId]
  else state.fixedUp.push(serviceId)
  return false
}
