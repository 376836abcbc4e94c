import type { ModuleRef } from './kind.ts'
import type { OwnSetting } from './own-directives.ts'
import type { Position } from './position.ts'
import type { Problem } from './problem.ts'
import type { DirectiveName, Directives } from './table.ts'

/** One line that had a say in a value. */
export interface Origin {
  readonly at: Position
  /** The directory the line speaks for: that of its .psoaccess, of its [Directory] section, else the document root. */
  readonly directory: string
  /** The section it stands in as written (`Files *.html`); absent for a plain line. */
  readonly section?: string
  /** What the line itself said, as the kind shows it; '' for `Name =`. */
  readonly value: string
  /** True for `Name =`, which resets what was inherited to the default. */
  readonly reset: boolean
  /** The users' modules that the line names; absent: none. */
  readonly modules?: readonly ModuleRef[]
}

/** One directory of the chain, root first. */
export interface Level {
  /** Absolute, without a slash at the end. */
  readonly directory: string
  /** The access file that was read there; absent where there is none or AllowOverride is None. */
  readonly accessFile?: string
  /** The groups that AllowOverride grants there. */
  readonly allows: ReadonlySet<string>
}

/**
 * The configuration in effect for one target. The same object comes back as long as nothing it was made from has changed,
 * so what is compiled from it may be kept in a WeakMap.
 */
export interface Merged {
  readonly directives: Directives
  /** For each directive that any line set: every line that had a say, the last one in effect. No entry: the default. */
  readonly origins: ReadonlyMap<DirectiveName, readonly Origin[]>
  /** Lines of names that the table does not have, which a forced session id may use: judged when the service id is known. */
  readonly unknown: readonly UnknownLine[]
  /** The directives that classes of the chain's modules declare, where those were loaded and lines set some. */
  readonly own?: readonly OwnSetting[]
  /** The chain from the document root to the directory. */
  readonly levels: readonly Level[]
  /** Errors of the chain's files: any one closes the directory with 500. Warnings are not here. */
  readonly problems: readonly Problem[]
}

/** A line whose name is no directive: the id to force, if the name is the service id (DESIGN 7), else a problem. */
export interface UnknownLine {
  readonly name: string
  readonly value: string
  /** The value as it was split; none for `Name =`. */
  readonly words: readonly string[]
  readonly at: Position
  /** As an Origin's. */
  readonly section?: string
  /** The problem that it is, unless its name is the service id. */
  readonly problem: Problem
}
