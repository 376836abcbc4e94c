import type { DirectiveName } from '../directives/index.ts'

/** The shape of one phase of a request: a row of `phases.ts`. */
export interface Phase {
  readonly name:
    | 'PostReadRequest'
    | 'Trans'
    | 'HeaderParser'
    | 'Access'
    | 'Authen'
    | 'Authz'
    | 'Type'
    | 'Fixup'
    | 'Content'
    | 'Log'
    | 'Cleanup'
  readonly directive: DirectiveName
  /** The function that runs when the directive names a module only. */
  readonly defaultFunction: string
  /** Apache's RUN_ALL and RUN_FIRST: `first` ends at the first answer other than DECLINED, and nothing means DECLINED. */
  readonly runs: 'all' | 'first'
  readonly doc: string
}

export type PhaseName = Phase['name']
