import type { HandlerRef } from '../directives/index.ts'
import { hasAdded, takeAdded } from './added-functions.ts'
import { returnToFirst } from './begin-pass.ts'
import { discardUploads } from './input/uploaded-file.ts'
import { RequestFacts } from './logs/access-facts.ts'
import { logText } from './logs/log-error.ts'
import { urlForLogs } from './logs/url-for-logs.ts'
import { phaseOf } from './phases.ts'
import type { Plan } from './plan.ts'
import { requestContext } from './request-context.ts'
import type { RequestState } from './request-state.ts'
import { callFunction } from './run-phase.ts'
import { finishSessions } from './sessions-of.ts'

const log = phaseOf('Log')
const cleanup = phaseOf('Cleanup')

/**
 * What comes after the answer: once, when the response has closed and the handlers have settled, however it ended. The access line,
 * then Log, the cleanups that the request registered (last first), and Cleanup. Nothing here can change the response.
 * Runs for every request whose directory is known, also for static files and a client that went away; never before both are true.
 */
export function endRequest(state: RequestState): void {
  const { site, firstPlan } = state
  returnToFirst(state)
  site.accessLog.write(site.accessLine(new RequestFacts(state)))
  const isKnown = firstPlan !== undefined && firstPlan.problems.length === 0
  const { ownLog, phases } = firstPlan ?? state.plan
  if (isKnown && (ownLog || state.added !== undefined || state.cleanups !== undefined || phases.Cleanup.length > 0))
    void runLast(state, firstPlan)
  else end(state)
}

async function runLast(state: RequestState, plan: Plan): Promise<void> {
  state.plan = plan
  if (plan.ownLog || hasAdded(state, 'Log')) await runAll(state, log, plan.phases.Log)
  for (let run = state.cleanups?.pop(); run !== undefined; run = state.cleanups?.pop()) await guarded(state, run)
  await runAll(state, cleanup, plan.phases.Cleanup)
  end(state)
}

/**
 * No session begins any more. Sessions that were opened after the answer was made are saved and released; the others were before it left.
 * Uploads that nobody keeps are removed.
 */
function end(state: RequestState): void {
  state.isOver = true
  let saved: unknown
  try {
    saved = finishSessions(state)
  } catch (error) {
    logFailure(state, error)
  }
  const removed = discardUploads(state)
  if (saved === undefined && removed === undefined) state.site.underWay.end()
  else void endAfter(state, [saved, removed])
}

async function endAfter(state: RequestState, pending: readonly unknown[]): Promise<void> {
  for (const result of await Promise.allSettled(pending))
    if (result.status === 'rejected') logFailure(state, result.reason)
  state.site.underWay.end()
}

/** Runs one list, and what was added to it; the first function that fails ends it, and only the log hears of it. */
async function runAll(state: RequestState, phase: typeof log, functions: readonly HandlerRef[]): Promise<void> {
  for (let index = 0; ; index++) {
    const ref = functions[index] ?? takeAdded(state, phase.name)
    if (ref === undefined || !(await guarded(state, () => callFunction(state, phase, ref)))) return
  }
}

async function guarded(state: RequestState, run: () => unknown): Promise<boolean> {
  try {
    // the answer was sent in another context, that of `endTogether`
    await requestContext.run(state, run)
    return true
  } catch (error) {
    logFailure(state, error)
    return false
  }
}

const logFailure = (state: RequestState, error: unknown): void =>
  state.site.errorLog.write('error', `after ${urlForLogs(state)}: ${logText(error, state.running)}`, state)
