import { complain, type OpenBlock, type Parsing, sectionOf } from './parsing.ts'
import type { Position } from './position.ts'
import type { Problem } from './problem.ts'

/** `Name = arguments` as it was read. */
interface Line {
  readonly at: Position
  readonly name: string
  readonly text: string
}

/** The name may be a service id, and the line force its session id: judged when the service id is known. */
export function unknownName(parsing: Parsing, block: OpenBlock, { at, name }: Line, words: readonly string[]): void {
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
  if (scope === 'server' || allows.has('Session')) {
    const line = { name, value: words.join(' '), words, at, problem }
    block.unknown.push({ ...line, ...sectionOf(block) })
  } else parsing.problems.push(problem)
}

/** True where the name is one of Apache's or mod_python's that has a row under another name, which becomes a problem. */
export function replacedName(parsing: Parsing, { at, name, text }: Line): boolean {
  const replacing = parsing.names.replacing(name)
  if (replacing === undefined) return false
  complain(parsing, 'unknown-directive', at, name, 'unknown directive', replacementHint(parsing, name, replacing, text))
  return true
}

/** A line that is neither `Name = arguments` nor `[Section]`: most often Apache's syntax. */
export function notALine(parsing: Parsing, { at, text }: { at: Position; text: string }): void {
  const [, name = '', rest = ''] = /^([^\s=]*)\s*(.*)$/s.exec(text) ?? []
  const message = `expected Name = arguments, got ${JSON.stringify(shorten(text))}`
  complain(parsing, 'bad-line', at, parsing.names.find(name), message, lineHint(parsing, text, name, rest))
}

function lineHint(parsing: Parsing, text: string, name: string, rest: string): string | undefined {
  const [, slash, section, argument] = /^<(\/?)([A-Za-z]+)\s*([^>]*)/.exec(text) ?? []
  if (section !== undefined) return `write [${slash}${`${section} ${argument}`.trim()}]`
  const found = parsing.names.find(name)
  if (found !== undefined) return `write ${shorten(`${found} = ${rest}`.trim())}`
  const replacing = parsing.names.replacing(name)
  if (replacing !== undefined) return replacementHint(parsing, name, replacing, rest)
  const nearest = nearestDirective(parsing, name)
  return nearest && `did you mean ${nearest} = …?`
}

/** `PythonOption PSOServiceId shop` is `PSOServiceId = shop`; mod_python's others keep their arguments under the row's name. */
function replacementHint(parsing: Parsing, written: string, replacing: string, text: string): string {
  if (!/^Python/i.test(written)) return `use ${replacing}`
  const [, first = '', rest = ''] = /^\s*(\S*)\s*(.*)$/s.exec(text) ?? []
  const option = parsing.names.find(first)
  return `write ${shorten((option === undefined ? `${replacing} = ${text.trim()}` : `${option} = ${rest}`).trim())}`
}

const MAX_HINTS = 50

const nearestDirective = (parsing: Parsing, name: string): string | undefined =>
  parsing.hints++ < MAX_HINTS ? parsing.names.nearest(name) : undefined

const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text)
