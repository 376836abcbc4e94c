import { parse } from 'ini'
import type { Position } from './position.ts'
import type { ProblemCode } from './problem.ts'
import { commentStart, type Reading } from './words.ts'

/** One line as written, without its comment; what it continues with is part of it. Its position is where it begins. */
export type SourceLine =
  | { readonly kind: 'setting'; readonly at: Position; readonly name: string; readonly text: string }
  | { readonly kind: 'section'; readonly at: Position; readonly name: string; readonly text: string }
  | { readonly kind: 'end'; readonly at: Position; readonly name: string }
  /** Neither `Name = arguments` nor `[Section]`: guessing what it should have been takes the names. */
  | { readonly kind: 'other'; readonly at: Position; readonly text: string }
  | { readonly kind: 'wrong'; readonly at: Position; readonly code: ProblemCode; readonly message: string }

export const MAX_BYTES = 1024 * 1024
export const MAX_LINES = 10_000

/** The lines of a file that say something. The one user of `ini`, which decides line by line what is a key line. */
export function readLines(text: string, file: string): SourceLine[] {
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_BYTES)
    return [wrong({ file, line: 1 }, 'too-large', `expected at most ${MAX_BYTES} bytes, got ${bytes}`)]
  const physical = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  if (physical.at(-1) === '') physical.pop()
  if (physical.length > MAX_LINES)
    return [
      wrong({ file, line: MAX_LINES + 1 }, 'too-large', `expected at most ${MAX_LINES} lines, got ${physical.length}`),
    ]
  const lines: SourceLine[] = []
  for (let index = 0; index < physical.length; ) {
    const at = { file, line: index + 1 }
    const { written, quote, next } = logicalLine(physical, index)
    index = next
    if (written !== '') lines.push(readLine(written, quote, at))
  }
  return lines
}

function readLine(written: string, quote: string, at: Position): SourceLine {
  const got = `got ${JSON.stringify(written.length > 80 ? `${written.slice(0, 80)}…` : written)}`
  if (written.includes('\0')) return wrong(at, 'bad-line', 'expected text, got a NUL byte')
  if (quote !== '') return wrong(at, 'bad-line', `expected a closing ${quote}, ${got}`)
  if (!written.startsWith('[')) return keyLine(written, at)
  return bracketLine(written, at) ?? wrong(at, 'bad-section', `expected [Name argument], ${got}`)
}

const wrong = (at: Position, code: ProblemCode, message: string): SourceLine => ({ kind: 'wrong', at, code, message })

/** The line at `index` and those it continues in, joined; comments do not continue. */
function logicalLine(physical: readonly string[], index: number): { written: string; quote: string; next: number } {
  const reading: Reading = { quote: '', wordStart: true }
  const parts: string[] = []
  let next = index
  let isName = true
  while (true) {
    const line = physical[next++]!
    const text = line.replace(/\\$/, '')
    const continues = text !== line && next < physical.length
    const equals = isName ? text.indexOf('=') : -1
    // quotes may open right after the first "=", and never before it
    let end = commentStart(equals === -1 ? text : text.slice(0, equals), 0, reading)
    if (equals !== -1 && end === equals) {
      isName = false
      reading.wordStart = false
      const first = text[equals + 1]
      if (first === '"' || first === "'") reading.wordStart = true
      end = commentStart(text, equals + 1, reading)
    }
    parts.push(text.slice(0, end))
    if (!continues || end < text.length) return { written: parts.join('').trim(), quote: reading.quote, next }
  }
}

function keyLine(written: string, at: Position): SourceLine {
  const equals = written.indexOf('=')
  const name = written.slice(0, equals === -1 ? undefined : equals).trim()
  const isKey = equals !== -1 && (name === '__proto__' || Object.keys(parse(`${name}=`, oneKey))[0] === name)
  if (!isKey || /\s/.test(name)) return { kind: 'other', at, text: written }
  return { kind: 'setting', at, name, text: written.slice(equals + 1) }
}

const oneKey = { bracketedArray: false }

/** The last `]` closes a header, so that its argument may hold one. */
function bracketLine(written: string, at: Position): SourceLine | undefined {
  const inside = /^\[(.*)\]\s*([;#].*)?$/s.exec(written)?.[1]?.trim()
  const [, slash, name, text] = /^(\/?)\s*([A-Za-z]+)(?=$|[\s"'])(.*)$/s.exec(inside ?? '') ?? []
  if (name === undefined) return undefined
  if (slash === '') return { kind: 'section', at, name, text: text ?? '' }
  return text?.trim() === '' ? { kind: 'end', at, name } : undefined
}
