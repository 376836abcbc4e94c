import { DirectivesError } from '../directives/index.ts'
import { SessionError } from '../session/index.ts'
import { ServerReturn } from './api/server-return.ts'
import { isAtLimits } from './at-limits.ts'
import { ProgramFailure } from './cgi/program-failure.ts'
import { HandlerTimeout } from './handler-timeout.ts'
import { Refusal } from './refusal.ts'

/** The HTTP status that an error means. */
export function statusOf(error: unknown): number {
  if (error instanceof Refusal || error instanceof ProgramFailure || error instanceof HandlerTimeout)
    return error.status
  // a status below 400 gets here only where it can no longer be an answer
  if (error instanceof ServerReturn) return error.status >= 400 ? error.status : 500
  if (error instanceof SessionError) return unavailable.has(error.code) ? 503 : 500
  // a file, with which nothing may be wrong, cannot be read just now
  if (error instanceof DirectivesError && error.problems.some(({ cause }) => isAtLimits({ code: cause }))) return 503
  return 500
}

const unavailable = new Set([
  'lock-timeout',
  'cannot-load',
  'cannot-save',
  'cannot-lock',
  'unavailable',
  'no-driver',
  'conflict',
])

/** True for a failure of code or store; false for an answer (ServerReturn) and a refusal. */
export const isFailure = (error: unknown): boolean => !(error instanceof ServerReturn || error instanceof Refusal)

/** True where a session store cannot be reached, which the store itself has reported. */
export const isOutage = (error: unknown): boolean => error instanceof SessionError && error.code === 'unavailable'
