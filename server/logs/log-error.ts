import { isOutage, logText } from '../error-document.ts'
import { InputRefusal } from '../input/input-refusal.ts'
import type { RequestState } from '../request-state.ts'
import { urlForLogs } from './url-for-logs.ts'

/** The line of the error log about what a request came to: for people to look at where it is a failure or a refused body, else told only at `info`. */
export function logError(state: RequestState, error: unknown, status: number): void {
  // an outage of a store is said once (`onReport`), not for each request that meets it
  const level = (status >= 500 && !isOutage(error)) || error instanceof InputRefusal ? 'error' : 'info'
  state.site.errorLog.write(
    level,
    `${state.method} ${urlForLogs(state)} ${status}: ${logText(error, state.running)}`,
    state,
  )
}
