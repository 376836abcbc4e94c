import { atLastOrigin } from './at-last-origin.ts'
import { cookieRules } from './cookie-rules.ts'
import { isForcedId } from './forced-id.ts'
import type { Merged } from './merged.ts'
import type { Problem } from './problem.ts'

/**
 * All that is wrong with a configuration in effect: the errors of its files, then those that only the whole shows. `workers`: how many
 * processes serve it; Infinity: each request has its own.
 */
export function wholeProblems(merged: Merged, workers: number): Problem[] {
  return [...merged.problems, ...unknownNames(merged), ...memoryOfSeveral(merged, workers), ...cookieRules(merged)]
}

/** A name that the table does not have is an error, unless it is the service id: then its value is a session id (DESIGN 7). */
function unknownNames(merged: Merged): Problem[] {
  return merged.unknown.flatMap(line => {
    if (!isForcedId(line, merged)) return [line.problem]
    if (/^[A-Za-z0-9_-]{1,128}$/.test(line.value)) return []
    const message = `expected a session id of 1 to 128 letters, digits, _ or -, got ${JSON.stringify(line.value)}`
    return [{ code: 'bad-value', severity: 'error', at: line.at, name: line.name, message } as const]
  })
}

/** `memory:` lives in one process: with several, two requests of a visitor would meet different sessions. */
function memoryOfSeveral(merged: Merged, workers: number): Problem[] {
  if (workers === 1 || merged.directives.PSOSessionLoader.type !== 'memory') return []
  if (workers === Number.POSITIVE_INFINITY)
    return atLastOrigin(merged, 'PSOSessionLoader', 'expected file: where each request is a process, got memory:')
  const message = `expected file: with ${workers} workers, got memory:`
  return atLastOrigin(merged, 'PSOSessionLoader', message, 'or Workers = 1')
}
