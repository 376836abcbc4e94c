import { DirectivesError, formatProblem } from '../../directives/index.ts'
import { SessionError } from '../../session/index.ts'
import { ServerReturn } from '../api/server-return.ts'
import { ProgramFailure } from '../cgi/program-failure.ts'
import { isOutage } from '../error-status.ts'
import { InputRefusal } from '../input/input-refusal.ts'
import { whereThrown } from '../modules/where-thrown.ts'
import { Refusal } from '../refusal.ts'
import type { RequestState } from '../request-state.ts'
import { urlForLogs } from './url-for-logs.ts'

/**
 * Writes the line of the error log about how a request ended: at `error` for a failure or a refused body, else at `info`.
 */
export function logError(state: RequestState, error: unknown, status: number): void {
  // an outage of a store is reported once (`onReport`), not for each request that meets it
  const level = (status >= 500 && !isOutage(error)) || error instanceof InputRefusal ? 'error' : 'info'
  state.site.errorLog.write(
    level,
    `${state.method} ${urlForLogs(state)} ${status}: ${logText(error, state.running)}`,
    state,
  )
}

/** What the error log says of an error: one line, whatever the page shows. `running`: the function that is to blame, if any is. */
export function logText(error: unknown, running: string | undefined): string {
  if (error instanceof DirectivesError) return error.problems.map(formatProblem).join('; ')
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
  const cause = reason === '' || (error as Error).message.includes(reason) ? '' : `: ${reason}`
  if (error instanceof ServerReturn || error instanceof Refusal || error instanceof ProgramFailure)
    return `${error.message}${cause}`
  if (error instanceof SessionError)
    return `${whereThrown(error, running).message.replace(/^SessionError: /, '')}${cause}`
  return whereThrown(error, running).message
}
