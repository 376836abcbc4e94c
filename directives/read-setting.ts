import { dirname } from 'node:path'
import { NotBuiltError } from './kind.ts'
import type { LineOrigin } from './layer.ts'
import { complain, type OpenBlock, type Parsing, plainWordsOf, sectionOf, wordsOf } from './parsing.ts'
import type { Position } from './position.ts'
import type { SourceLine } from './read-lines.ts'
import { replacedName, unknownName } from './unknown-line.ts'

/** A line `Name = arguments`: its value, judged by the row of its name, is added to the section it stands in. */
export function readSetting(parsing: Parsing, block: OpenBlock, line: Extract<SourceLine, { kind: 'setting' }>): void {
  const { at, text } = line
  const name = parsing.names.find(line.name)
  if (name === undefined && replacedName(parsing, line)) return
  const words = wordsOf(parsing, at, name ?? line.name, text)
  if (words === undefined) return
  if (name === undefined) {
    unknownName(parsing, block, line, words)
    return
  }
  const row = parsing.table[name]!
  if (!isInPlace(parsing, block, at, name)) return
  const isReset = text.trim() === ''
  const read = isReset ? { value: undefined } : readValue(parsing, at, name, words)
  if (read === undefined || !isAllowed(parsing, at, name, read.value)) return
  noteRepetition(parsing, block, at, name)
  const modules = isReset ? [] : (row.kind.modules?.(read.value) ?? [])
  addSetting(parsing, block, name, read.value, {
    at,
    ...sectionOf(block),
    value: isReset ? '' : row.kind.show(read.value),
    reset: isReset,
    ...(modules.length === 0 ? {} : { modules }),
  })
}

/** False, and a problem, where the directive may not be in this file or section (DESIGN 3). */
export function isInPlace(parsing: Parsing, block: OpenBlock, at: Position, name: string): boolean {
  const { scope } = parsing.table[name]!
  const isServer = parsing.source.scope === 'server'
  if (scope === 'directory') return true
  if (scope === 'server' && isServer && block.sections.length === 0) return true
  if (scope === 'section' && isServer && block.sections.every(section => section.name === 'Directory')) return true
  const where = scope === 'server' ? 'in server.ini, outside sections' : 'in server.ini, plain or in a [Directory]'
  complain(parsing, 'wrong-place', at, name, `expected ${where}`)
  return false
}

function readValue(parsing: Parsing, at: Position, name: string, words: readonly string[]) {
  const { kind, scope } = parsing.table[name]!
  const { context, serverRoot } = parsing.source
  try {
    return { value: kind.parse(words, { ...context, at, base: scope === 'server' ? serverRoot : dirname(at.file) }) }
  } catch (error) {
    const code = error instanceof NotBuiltError ? 'not-built' : 'bad-value'
    complain(parsing, code, at, name, (error as Error).message)
    return undefined
  }
}

/** `value` is undefined for `Name =`. */
function isAllowed(parsing: Parsing, at: Position, name: string, value: unknown): boolean {
  const { scope, allows } = parsing.source
  const row = parsing.table[name]!
  const group = value === undefined ? row.override : (row.overrideFor?.(value) ?? row.override)
  if (scope === 'server' || group === 'any' || allows.has(group)) return true
  const granted = [...allows].join(' ') || 'None'
  complain(parsing, 'not-allowed', at, name, `expected AllowOverride to grant ${group}, got ${granted}`)
  return false
}

function noteRepetition(parsing: Parsing, block: OpenBlock, at: Position, name: string): void {
  const key = `${name}\0${at.file}`
  const before = block.seen.get(key)
  block.seen.set(key, at)
  if (before !== undefined && parsing.table[name]!.repeat === 'last')
    complain(parsing, 'repeated', at, name, `already set in line ${before.line}; the last stands`)
}

function addSetting(parsing: Parsing, block: OpenBlock, name: string, value: unknown, line: LineOrigin): void {
  const { into: target = name, repeat } = parsing.table[name]!
  let setting = block.settings.get(target)
  if (setting === undefined) block.settings.set(target, (setting = { reset: false, values: [], origins: [] }))
  if (line.reset) setting.reset = true
  if (line.reset || repeat === 'last') setting.values = []
  if (!line.reset) setting.values.push(value)
  setting.origins.push(line)
  if (target === 'SetEnv') readEnvironment(parsing, block, value, line)
}

/** `SetEnv = PSOServiceId shop`, as PSO was configured for CGI: judged by the rules of the directive itself. */
function readEnvironment(parsing: Parsing, block: OpenBlock, value: unknown, line: LineOrigin): void {
  if (line.reset) block.environment.push({ origin: line })
  if (!(value instanceof Map)) return
  for (const [variable, text] of value as ReadonlyMap<string, string | undefined>) {
    const name = /^PSO/i.test(variable) ? parsing.names.find(variable) : undefined
    if (name === undefined) continue
    if (text === undefined) {
      block.environment.push({ name, origin: { ...line, value: '', reset: true } })
      continue
    }
    if (!isInPlace(parsing, block, line.at, name)) continue
    const words = plainWordsOf(parsing, line.at, name, text)
    const read = words && readValue(parsing, line.at, name, words)
    if (read === undefined || !isAllowed(parsing, line.at, name, read.value)) continue
    const shown = parsing.table[name]!.kind.show(read.value)
    block.environment.push({ name, value: read.value, origin: { ...line, value: shown } })
  }
}
