import type { Kind } from './kind.ts'
import type { MergeRule } from './merge-rules.ts'

/** The groups that `AllowOverride` grants to a .psoaccess: Apache's, and `Session` and `Handlers` (DESIGN 3). */
export type OverrideGroup = 'AuthConfig' | 'FileInfo' | 'Indexes' | 'Limit' | 'Options' | 'Session' | 'Handlers'

/** One row of the table: everything that is known about a directive is here, and is read from here. */
export interface Directive<Value> {
  readonly kind: Kind<Value>
  readonly default: NoInfer<Value>
  /** What the reference says where the default is computed later: `SERVERNAME.MODULE.PATH`. */
  readonly defaultDoc?: string
  /** Who may hold it: server.ini alone (`server`), server.ini and its [Directory] sections (`section`), or any .psoaccess too. */
  readonly scope: 'server' | 'section' | 'directory'
  /** What AllowOverride must grant before a .psoaccess may hold it; `any` needs nothing. */
  readonly override: OverrideGroup | 'any'
  /** Where the group depends on the value, it goes before `override`: SetHandler of pso-program is of Handlers. */
  overrideFor?(value: NoInfer<Value>): OverrideGroup
  /** Twice in one file or section: a longer list (by the merge rule or `within`), or a warning and the last stands. */
  readonly repeat: 'adds' | 'last'
  readonly merge: MergeRule<NoInfer<Value>>
  /** How two lines of one file add up, where that differs from `merge`: DirectoryIndex adds in a file, a child replaces. */
  readonly within?: MergeRule<NoInfer<Value>>
  /** Its lines are written into this row of the same value type: UnsetEnv and PassEnv into SetEnv, RemoveHandler into AddHandler. */
  readonly into?: string
  /** Other spellings, read as this name. */
  readonly aliases?: readonly string[]
  /** Apache's and mod_python's spellings: an error whose hint names this row. */
  readonly replaces?: readonly string[]
  /** One sentence, present tense, with the unit; a second one for the rule's source where that helps. */
  readonly doc: string
}

export type ValueOf<Row> = Row extends Directive<infer Value> ? Value : never

/** Lets TypeScript infer a row's value from its kind. */
export function directive<Value>(row: Directive<Value>): Directive<Value> {
  return row
}
