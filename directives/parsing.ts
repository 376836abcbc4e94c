import type { ValueContext } from './kind.ts'
import type { KnownNames } from './known-names.ts'
import type { EnvironmentSetting, LineOrigin, Table } from './layer.ts'
import type { UnknownLine } from './merged.ts'
import type { Position } from './position.ts'
import type { Problem, ProblemCode } from './problem.ts'
import type { Section } from './section.ts'
import { expandVariables, readWords } from './words.ts'

/** A file to read, and where it stands. */
export interface Source {
  readonly file: string
  readonly text: string
  readonly scope: 'server' | 'directory'
  /** What AllowOverride grants; of no meaning for server.ini. */
  readonly allows: ReadonlySet<string>
  /** What the server's own paths are relative to. */
  readonly serverRoot: string
  readonly context: Omit<ValueContext, 'at' | 'base'>
  /** Links resolved; for [Directory]. */
  readonly realPath: (path: string) => string
  /** The text of an `Include`d file; throws a plain Error that says what is wrong with it. */
  readonly readIncluded: (file: string) => string
}

/** What is known while a file is being read. */
export interface Parsing {
  readonly source: Source
  readonly table: Table
  readonly names: KnownNames
  /** The first holds the plain lines. */
  readonly blocks: OpenBlock[]
  /** The sections that are open, the outermost first. */
  open: OpenSection[]
  readonly problems: Problem[]
  /** The files being read: the main one, then each included by the one before it. */
  readonly files: string[]
  /** For how many unknown names a similar one was looked up, which is expensive. */
  hints: number
}

/** `block` is undefined where the contents are skipped: those of a section with a problem must not be read as plain lines. */
export interface OpenSection {
  readonly name: string
  readonly block: OpenBlock | undefined
}

export interface OpenBlock {
  readonly sections: readonly Section[]
  /** By the row that the lines are written into. */
  readonly settings: Map<string, OpenSetting>
  readonly environment: EnvironmentSetting[]
  readonly unknown: UnknownLine[]
  /** Where each name was last set, by name and file. */
  readonly seen: Map<string, Position>
}

/** The lines of one name, not added up yet: added up line by line, ten thousand of them would be copied ten thousand times. */
export interface OpenSetting {
  reset: boolean
  values: unknown[]
  readonly origins: LineOrigin[]
}

export const newBlock = (sections: readonly Section[]): OpenBlock => ({
  sections,
  settings: new Map(),
  environment: [],
  unknown: [],
  seen: new Map(),
})

/** The sections that a line stands in, as an origin names them; nothing for a plain line. */
export function sectionOf({ sections }: OpenBlock): { section?: string } {
  return sections.length === 0 ? {} : { section: sections.map(({ written }) => written).join(', ') }
}

/** Notes an error, or the warning that `repeated` is. */
export function complain(
  { problems }: Parsing,
  code: ProblemCode,
  at: Position,
  name: string | undefined,
  message: string,
  hint?: string,
): void {
  problems.push({
    code,
    severity: code === 'repeated' ? 'warning' : 'error',
    at,
    ...(name === undefined ? {} : { name }),
    message,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** The words of a line, variables replaced; undefined where they are wrong, which is noted. */
export function wordsOf(parsing: Parsing, at: Position, name: string, text: string): string[] | undefined {
  const { problems, source } = parsing
  const before = problems.length
  const where = source.scope === 'server' ? 'the environment has' : 'ExposeEnv lists and the environment has'
  const unset = (variable: string): void =>
    complain(parsing, 'unset-variable', at, name, `expected a variable that ${where}, got \${${variable}}`)
  const words = plainWordsOf(parsing, at, name, text)?.map(word =>
    expandVariables(word, source.context.environment, unset),
  )
  return problems.length > before ? undefined : words
}

/** The same for a text whose variables have been replaced: their values are not expanded again. */
export function plainWordsOf(parsing: Parsing, at: Position, name: string, text: string): string[] | undefined {
  try {
    return readWords(text)
  } catch (error) {
    complain(parsing, 'bad-line', at, name, (error as Error).message)
    return undefined
  }
}
