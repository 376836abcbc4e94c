import { setFlagsFromString } from 'node:v8'

/** A user's regular expression or wildcard, which cannot run away. */
export interface Pattern {
  /** Subjects longer than 8 KiB are cut. */
  matches(subject: string): boolean
}

const MAX_SUBJECT = 8 * 1024
const MAX_SOURCE = 1000

/**
 * Compiles a regular expression so that no subject keeps it busy: V8 turns from backtracking to its linear engine after 50,000
 * steps back. Throws a plain Error for what that engine cannot take: backreferences, lookaround, repetition above 16.
 */
export function compilePattern(source: string): Pattern {
  const got = `got ${JSON.stringify(source.length > 80 ? `${source.slice(0, 80)}…` : source)}`
  if (source.length > MAX_SOURCE)
    throw new Error(`expected a regular expression of at most ${MAX_SOURCE} characters, ${got}`)
  allowLinearEngine()
  const expression = compile(source, '')
  if (expression === undefined) throw new Error(`expected a regular expression, ${got}`)
  // the flag only shows whether the linear engine takes the pattern; matching is faster without it
  if (compile(source, 'l') === undefined)
    throw new Error(
      `expected a regular expression without lookaround, backreferences and repetition above {16}, ${got}`,
    )
  return { matches: subject => expression.test(subject.slice(0, MAX_SUBJECT)) }
}

function compile(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags)
  } catch {
    return undefined
  }
}

let isAllowed = false

/** Called late, and only if a configuration has patterns: V8 rejects a code cache that was made with other flags. */
function allowLinearEngine(): void {
  if (isAllowed) return
  setFlagsFromString('--enable-experimental-regexp-engine')
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
  isAllowed = true
}

/**
 * The regular expression of a shell wildcard: `*` and `?` match no slash, `[a-z]` and `[!a-z]` are classes, `\` quotes.
 * The caller anchors it.
 */
export function wildcardSource(wildcard: string): string {
  return wildcard.replace(/\\(.)|\[([!^]?)(\]?[^\]]*)\]|[*?]|[^\w\s-]/gsu, (written, quoted, not, members) => {
    if (quoted !== undefined) return literal(quoted)
    if (members !== undefined) return `[${not === '' ? '' : '^/'}${members.replace(/[\\\]^[]/g, '\\$&')}]`
    if (written === '*') return '[^/]*'
    return written === '?' ? '[^/]' : literal(written)
  })
}

export const hasWildcard = (text: string): boolean => /[*?[\\]/.test(text)

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
