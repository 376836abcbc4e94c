import type { Directive } from './directive.ts'
import type { Origin, UnknownLine } from './merged.ts'
import type { Problem } from './problem.ts'
import type { Section } from './section.ts'

/** The table as data: the engine knows no row, so a test may bring its own. */
export type Table = Readonly<Record<string, Directive<unknown>>>

/** What one file says, read once: its lines by the sections they stand in, and what is wrong with it. */
export interface Layer {
  readonly file: string
  /** In the order of the file; the first holds the plain lines. */
  readonly blocks: readonly Block[]
  readonly problems: readonly Problem[]
}

/** The lines of one section, added up. */
export interface Block {
  /** All must match for the lines to count, the outermost first; empty: plain lines. */
  readonly sections: readonly Section[]
  /** By the row that the lines are written into. */
  readonly settings: ReadonlyMap<string, Setting>
  readonly environment: readonly EnvironmentSetting[]
  readonly unknown: readonly UnknownLine[]
}

export interface Setting {
  /** True after `Name =`: what was inherited is ignored. */
  readonly reset: boolean
  /** Absent where the last line was `Name =`. */
  readonly value?: unknown
  readonly origins: readonly LineOrigin[]
}

/** `SetEnv` of a directive's name, which counts where the directive itself is not set. */
export interface EnvironmentSetting {
  /** Absent: `SetEnv =`, all of them. */
  readonly name?: string
  /** Absent: taken away again. */
  readonly value?: unknown
  readonly origin: LineOrigin
}

/** An origin before it is known which directory it speaks for. */
export type LineOrigin = Omit<Origin, 'directory'>
