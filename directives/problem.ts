import { type Position, showPosition } from './position.ts'

/** What can be wrong with a configuration file. Released codes are kept; the message may be reworded. */
export type ProblemCode =
  | 'unknown-directive'
  | 'unknown-section'
  | 'bad-value'
  | 'bad-line'
  | 'bad-section'
  | 'unset-variable'
  | 'wrong-place'
  | 'not-allowed'
  | 'not-built'
  | 'repeated'
  | 'unreadable'
  | 'too-large'

/** One mistake in a configuration file: data, never thrown by the parser. */
export interface Problem {
  readonly code: ProblemCode
  /** An error closes its directory and all below it with 500; a warning closes nothing. */
  readonly severity: 'error' | 'warning'
  readonly at: Position
  /** The directive or section it is about, as the table spells it; absent where the line has none. */
  readonly name?: string
  /** What was expected and what was there. */
  readonly message: string
  /** The likely intent: `did you mean PSOSessionExpire?`. */
  readonly hint?: string
  /** The system's error code (`EMFILE`), where the system could not read the file. */
  readonly cause?: string
}

/** `FILE:LINE: NAME: message (hint)`: the one way a problem is printed, by `pso check`, the log and the development page. */
export function formatProblem(problem: Problem): string {
  const name = problem.name === undefined ? '' : `${problem.name}: `
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`
  return `${showPosition(problem.at)}: ${name}${problem.message}${hint}`
}

/** Each problem once: a file's problems are also those of every directory below it. */
export const uniqueProblems = (problems: readonly Problem[]): Problem[] => [
  ...new Map(problems.map(problem => [formatProblem(problem), problem])).values(),
]

/** Carries the problems that make a configuration unusable, to where an error is turned into an answer or an exit code. */
export class DirectivesError extends Error {
  readonly code = 'bad-configuration'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.name = 'DirectivesError'
    this.problems = problems
  }
}
