import { dirname, resolve } from 'node:path'
import type { Directive } from './directive.ts'
import { NotBuiltError, type ValueContext } from './kind.ts'
import { type KnownNames, knownNames } from './known-names.ts'
import type { EnvironmentSetting, Layer, LineOrigin, Setting, Table } from './layer.ts'
import { replace } from './merge-rules.ts'
import type { UnknownLine } from './merged.ts'
import { nearestName } from './nearest-name.ts'
import type { Position } from './position.ts'
import type { Problem, ProblemCode } from './problem.ts'
import { readLines, type SourceLine } from './read-lines.ts'
import { endsItsLike, readSection, type Section, type SectionName, sections, sectionsNotBuilt } from './section.ts'
import { rows } from './table.ts'
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

/** Never throws: what is wrong is in `problems`, in the order of the file. */
export function parseFile(source: Source, table: Table = rows): Layer {
  const plain = newBlock([])
  const parsing: Parsing = {
    source,
    table,
    names: knownNames(table),
    blocks: [plain],
    plain,
    open: [],
    problems: [],
    files: [],
    hints: 0,
  }
  readInto(parsing, source.file, source.text)
  return { file: source.file, blocks: parsing.blocks, problems: parsing.problems }
}

interface Parsing {
  readonly source: Source
  readonly table: Table
  readonly names: KnownNames
  readonly blocks: OpenBlock[]
  readonly plain: OpenBlock
  /** The sections that are open, the outermost first. */
  open: OpenSection[]
  readonly problems: Problem[]
  /** The files being read: the main one, then each included by the one before it. */
  readonly files: string[]
  /** How many names a near one was looked for; it has a price. */
  hints: number
}

/** `block` is absent where the contents are skipped: a section with a problem is not misread as plain lines. */
interface OpenSection {
  readonly name: string
  readonly block: OpenBlock | undefined
}

interface OpenBlock {
  readonly sections: readonly Section[]
  readonly settings: Map<string, Setting>
  readonly environment: EnvironmentSetting[]
  readonly unknown: UnknownLine[]
  /** Where each name was last set, by name and file. */
  readonly seen: Map<string, Position>
}

const newBlock = (within: readonly Section[]): OpenBlock => ({
  sections: within,
  settings: new Map(),
  environment: [],
  unknown: [],
  seen: new Map(),
})

const MAX_INCLUDES = 10
const MAX_HINTS = 50

function readInto(parsing: Parsing, file: string, text: string): void {
  parsing.files.push(file)
  for (const line of readLines(text, file)) {
    const block = openBlock(parsing)
    if (line.kind === 'section') openSection(parsing, line)
    else if (line.kind === 'end') closeSection(parsing, line)
    else if (block === undefined) continue
    else if (line.kind === 'wrong') complain(parsing, line.code, line.at, undefined, line.message)
    else if (line.kind === 'other') notALine(parsing, line)
    else readSetting(parsing, block, line)
  }
  parsing.files.pop()
  parsing.open = []
}

const openBlock = ({ open, plain }: Parsing): OpenBlock | undefined => (open.length === 0 ? plain : open.at(-1)!.block)

function complain(
  parsing: Parsing,
  code: ProblemCode,
  at: Position,
  name: string | undefined,
  message: string,
  hint?: string,
) {
  parsing.problems.push({
    code,
    severity: code === 'repeated' ? 'warning' : 'error',
    at,
    ...(name === undefined ? {} : { name }),
    message,
    ...(hint === undefined ? {} : { hint }),
  })
}

// ---- sections

type SectionLine = Extract<SourceLine, { kind: 'section' }>

function openSection(parsing: Parsing, { at, name: written, text }: SectionLine): void {
  const name = sectionNamed(written) ?? written
  if (endsItsLike(name)) closeThrough(parsing, name)
  const outer = parsing.open.at(-1)
  const skips = outer !== undefined && outer.block === undefined
  parsing.open.push({ name, block: skips ? undefined : sectionBlock(parsing, at, name, text, outer?.block) })
}

function sectionBlock(parsing: Parsing, at: Position, name: string, text: string, outer: OpenBlock | undefined) {
  const problem = (code: ProblemCode, message: string, hint?: string): undefined =>
    complain(parsing, code, at, `[${name}]`, message, hint) as undefined
  const isServer = parsing.source.scope === 'server'
  if (!isServer && (name === 'VirtualHost' || (isBuilt(name) && sections[name].serverOnly)))
    return problem('wrong-place', 'expected in server.ini only')
  if (sectionsNotBuilt.includes(name)) return problem('not-built', 'the section is not built yet')
  if (!isBuilt(name)) return unknownSection(parsing, at, name)
  const around = outer?.sections.at(-1)
  if (around !== undefined && !sections[name].within.includes(around.name))
    return problem('wrong-place', `expected outside [${around.written}]`, `end that with [/${around.name}] first`)
  try {
    const words = readWords(text).map(word => expanded(parsing, at, `[${name}]`, word))
    if (words.includes(undefined)) return undefined
    const block = newBlock([...(outer?.sections ?? []), readSection(name, words as string[], parsing.source)])
    parsing.blocks.push(block)
    return block
  } catch (error) {
    return problem('bad-section', (error as Error).message)
  }
}

function unknownSection(parsing: Parsing, at: Position, name: string): undefined {
  const nearest = nearestName(name, allSections)
  complain(parsing, 'unknown-section', at, `[${name}]`, 'unknown section', nearest && `did you mean [${nearest}]?`)
}

function closeSection(parsing: Parsing, { at, name: written }: { at: Position; name: string }): void {
  const name = sectionNamed(written) ?? written
  if (closeThrough(parsing, name)) return
  complain(parsing, 'bad-section', at, `[/${name}]`, `expected an open [${name}], got none`)
}

/** A section that is ended ends those that are open inside it. */
function closeThrough(parsing: Parsing, name: string): boolean {
  const index = parsing.open.findLastIndex(open => open.name.toLowerCase() === name.toLowerCase())
  if (index !== -1) parsing.open = parsing.open.slice(0, index)
  return index !== -1
}

const allSections: readonly string[] = [...Object.keys(sections), ...sectionsNotBuilt]

const sectionNamed = (name: string): string | undefined =>
  allSections.find(section => section.toLowerCase() === name.toLowerCase())

const isBuilt = (name: string): name is SectionName => Object.hasOwn(sections, name)

// ---- lines

interface Line {
  readonly at: Position
  readonly name: string
  readonly text: string
}

function readSetting(parsing: Parsing, block: OpenBlock, line: Line): void {
  const { at, text } = line
  const name = parsing.names.find(line.name)
  const replacing = name === undefined ? parsing.names.replacing(line.name) : undefined
  if (replacing !== undefined) {
    const hint = replacementHint(parsing, line.name, replacing, text)
    return complain(parsing, 'unknown-directive', at, line.name, 'not a directive of pso', hint)
  }
  const words = wordsOf(parsing, at, name ?? line.name, text)
  if (words === undefined) return
  if (name === undefined) return unknownName(parsing, block, line, words)
  const row = parsing.table[name]!
  if (!isInPlace(parsing, block, at, name, row)) return
  if (name === 'Include') return include(parsing, at, words)
  const isReset = text.trim() === ''
  const read = isReset ? { value: undefined } : readValue(parsing, at, name, row, words)
  if (read === undefined || !isAllowed(parsing, at, name, row, read.value)) return
  repeated(parsing, block, at, name, row)
  const shown = isReset ? '' : row.kind.show(read.value)
  addSetting(parsing, block, row.into ?? name, row, read.value, origin(at, block, shown, isReset))
}

function wordsOf(parsing: Parsing, at: Position, name: string, text: string): string[] | undefined {
  try {
    const words = readWords(text).map(word => expanded(parsing, at, name, word))
    return words.includes(undefined) ? undefined : (words as string[])
  } catch (error) {
    complain(parsing, 'bad-line', at, name, (error as Error).message)
    return undefined
  }
}

function expanded(parsing: Parsing, at: Position, name: string, word: string): string | undefined {
  const { scope, context } = parsing.source
  let isUnset = false
  const text = expandVariables(word, context.environment, variable => {
    isUnset = true
    const where =
      scope === 'server' ? 'a variable of the environment' : 'a variable that ExposeEnv lists and the environment has'
    complain(parsing, 'unset-variable', at, name, `expected ${where}, got \${${variable}}`)
  })
  return isUnset ? undefined : text
}

/** Who may hold it, DESIGN 3; what a [Files] of server.ini may hold is what a .psoaccess may. */
function isInPlace(parsing: Parsing, block: OpenBlock, at: Position, name: string, row: Directive<unknown>): boolean {
  const isServer = parsing.source.scope === 'server'
  if (row.scope === 'directory') return true
  if (row.scope === 'server' && isServer && block.sections.length === 0) return true
  if (row.scope === 'section' && isServer && block.sections.every(section => section.name === 'Directory')) return true
  const where = row.scope === 'server' ? 'in server.ini, outside sections' : 'in server.ini, plain or in a [Directory]'
  complain(parsing, 'wrong-place', at, name, `expected ${where}`)
  return false
}

function readValue(parsing: Parsing, at: Position, name: string, row: Directive<unknown>, words: readonly string[]) {
  const { context, serverRoot } = parsing.source
  const base = row.scope === 'server' ? serverRoot : dirname(at.file)
  try {
    return { value: row.kind.parse(words, { ...context, at, base }) }
  } catch (error) {
    const code = error instanceof NotBuiltError ? 'not-built' : 'bad-value'
    complain(parsing, code, at, name, (error as Error).message)
    return undefined
  }
}

/** `value` is undefined for `Name =`. */
function isAllowed(parsing: Parsing, at: Position, name: string, row: Directive<unknown>, value: unknown): boolean {
  const { scope, allows } = parsing.source
  if (scope === 'server') return true
  const group = value === undefined ? row.override : (row.overrideFor?.(value) ?? row.override)
  if (group === 'any' || allows.has(group)) return true
  complain(
    parsing,
    'not-allowed',
    at,
    name,
    `expected AllowOverride to grant ${group}, got ${[...allows].join(' ') || 'None'}`,
  )
  return false
}

function repeated(parsing: Parsing, block: OpenBlock, at: Position, name: string, row: Directive<unknown>): void {
  const key = `${name}\0${at.file}`
  const before = block.seen.get(key)
  block.seen.set(key, at)
  if (before === undefined || row.repeat === 'adds') return
  complain(parsing, 'repeated', at, name, `already set in line ${before.line}; the last stands`)
}

const origin = (at: Position, block: OpenBlock, value: string, reset: boolean): LineOrigin => {
  const section = block.sections.map(({ written }) => written).join(', ')
  return { at, ...(section === '' ? {} : { section }), value, reset }
}

function addSetting(
  parsing: Parsing,
  block: OpenBlock,
  target: string,
  row: Directive<unknown>,
  value: unknown,
  line: LineOrigin,
): void {
  const before = block.settings.get(target)
  const origins = [...(before?.origins ?? []), line]
  if (line.reset) block.settings.set(target, { reset: true, origins })
  else {
    const { merge, within = merge } = parsing.table[target] ?? row
    const rule = row.repeat === 'adds' ? within : replace
    const hasValue = before !== undefined && 'value' in before
    const added = hasValue ? rule.merge(before.value, value) : value
    block.settings.set(target, { reset: before?.reset ?? false, value: added, origins })
  }
  if (target === 'SetEnv') readEnvironment(parsing, block, value, line)
}

/** `SetEnv = PSOServiceId shop`, as CGI programs of PSO are configured: judged by the rules of the directive itself. */
function readEnvironment(parsing: Parsing, block: OpenBlock, value: unknown, line: LineOrigin): void {
  if (line.reset) block.environment.push({ origin: line })
  if (!(value instanceof Map)) return
  for (const [variable, text] of value as ReadonlyMap<string, string | undefined>) {
    const name = /^PSO/i.test(variable) ? parsing.names.find(variable) : undefined
    if (name === undefined) continue
    const row = parsing.table[name]!
    if (text === undefined) block.environment.push({ name, origin: { ...line, value: '', reset: true } })
    else if (isInPlace(parsing, block, line.at, name, row)) {
      const words = wordsOf(parsing, line.at, name, text)
      const read = words && readValue(parsing, line.at, name, row, words)
      if (read === undefined || !isAllowed(parsing, line.at, name, row, read.value)) continue
      block.environment.push({ name, value: read.value, origin: { ...line, value: row.kind.show(read.value) } })
    }
  }
}

function include(parsing: Parsing, at: Position, words: readonly string[]): void {
  const problem = (code: ProblemCode, message: string): void => complain(parsing, code, at, 'Include', message)
  if (words.length === 0) return problem('bad-value', 'expected a path, got nothing')
  for (const word of words) {
    const file = resolve(dirname(at.file), word)
    if (parsing.files.includes(file))
      return problem('bad-value', `expected a file that is not being read, got ${JSON.stringify(word)}`)
    if (parsing.files.length > MAX_INCLUDES)
      return problem('bad-value', `expected at most ${MAX_INCLUDES} files within each other`)
    try {
      readInto(parsing, file, parsing.source.readIncluded(file))
    } catch (error) {
      problem('unreadable', (error as Error).message)
    }
  }
}

// ---- what is no directive

/** The name may be a service id, and the line force its session id: judged when the service id is known. */
function unknownName(parsing: Parsing, block: OpenBlock, { at, name }: Line, words: readonly string[]): void {
  const nearest = nearestDirective(parsing, name)
  const problem: Problem = {
    code: 'unknown-directive',
    severity: 'error',
    at,
    name,
    message: 'unknown directive',
    ...(nearest === undefined ? {} : { hint: `did you mean ${nearest}?` }),
  }
  const { scope, allows } = parsing.source
  if (scope === 'server' || allows.has('Session')) block.unknown.push({ name, value: words.join(' '), at, problem })
  else parsing.problems.push(problem)
}

/** A line that is neither `Name = arguments` nor `[Section]`: most often Apache's syntax. */
function notALine(parsing: Parsing, { at, text }: { at: Position; text: string }): void {
  const [, name = '', rest = ''] = /^([^\s=]*)\s*(.*)$/s.exec(text) ?? []
  const message = `expected Name = arguments, got ${JSON.stringify(shorten(text))}`
  complain(parsing, 'bad-line', at, parsing.names.find(name), message, lineHint(parsing, text, name, rest))
}

function lineHint(parsing: Parsing, text: string, name: string, rest: string): string | undefined {
  const [, slash, section, argument] = /^<(\/?)([A-Za-z]+)\s*(.*?)>?$/s.exec(text) ?? []
  if (section !== undefined) return `write [${slash}${[section, argument].join(' ').trim()}]`
  const found = parsing.names.find(name)
  if (found !== undefined) return `write ${shorten(`${found} = ${rest}`.trim())}`
  const replacing = parsing.names.replacing(name)
  if (replacing !== undefined) return replacementHint(parsing, name, replacing, rest)
  const nearest = nearestDirective(parsing, name)
  return nearest && `did you mean ${nearest} = …?`
}

/** `PythonOption PSOServiceId shop` is `PSOServiceId = shop`; mod_python's others keep their arguments under the row's name. */
function replacementHint(parsing: Parsing, written: string, replacing: string, text: string): string {
  const [, first = '', rest = ''] = /^\s*(\S*)\s*(.*)$/s.exec(text) ?? []
  if (!/^Python/i.test(written)) return `use ${replacing}`
  const option = parsing.names.find(first)
  return `write ${shorten((option === undefined ? `${replacing} = ${text.trim()}` : `${option} = ${rest}`).trim())}`
}

const nearestDirective = (parsing: Parsing, name: string): string | undefined =>
  parsing.hints++ < MAX_HINTS ? parsing.names.nearest(name) : undefined

const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text)
