import { inspect } from 'node:util'
import { DirectivesError } from '../../directives/index.ts'
import { isFailure } from '../error-status.ts'

/** Writes an error with its stack to standard error, where a program has it; the error log's line only names the place. */
export function trace(error: unknown): void {
  if (isFailure(error) && !(error instanceof DirectivesError)) console.error(inspect(error))
}
