import { inspect } from 'node:util'
import { DirectivesError } from '../../directives/index.ts'
import { isFailure } from '../error-status.ts'

/** The traceback, which a program has nowhere else; the error log has the line with its place. */
export function trace(error: unknown): void {
  if (isFailure(error) && !(error instanceof DirectivesError)) console.error(inspect(error))
}
