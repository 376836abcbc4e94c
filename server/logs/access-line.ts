/** What an access line may tell of a request. Optional parts that are not there are `-`. */
export interface AccessFacts {
  /** The client's address. */
  readonly host: string
  readonly user: string | undefined
  /** When the request arrived, ms since the epoch. */
  readonly time: number
  readonly durationMs: number
  readonly method: string
  /** The request target as sent, but for session ids. */
  readonly target: string
  /** `HTTP/1.1`. */
  readonly protocol: string
  readonly status: number
  /** Of the body. */
  readonly bytes: number
  /** With the head. */
  readonly bytesWithHead: number
  headerIn(name: string): string | undefined
  headerOut(name: string): string | undefined
  readonly serverName: string
  readonly port: number
  readonly file: string | undefined
  /** As in the error log; undefined where that has no line of this request. */
  readonly logId: string | undefined
}

type Part = (facts: AccessFacts) => string

/** Makes a LogFormat (mod_log_config) into a function that writes one line, its line feed with it. */
export function compileAccessLine(format: string): (facts: AccessFacts) => string {
  const parts: Part[] = []
  let from = 0
  for (const found of format.matchAll(/%(?:>?(s)|\{([^}]+)\}([io])|([a-zA-Z%]))/g)) {
    const literal = format.slice(from, found.index)
    if (literal !== '') parts.push(() => literal)
    const [whole, status, name, direction, letter] = found
    if (name !== undefined) parts.push(header(name.toLowerCase(), direction === 'i'))
    else parts.push(byLetter[status ?? letter!]!)
    from = found.index + whole.length
  }
  const rest = `${format.slice(from)}\n`
  return facts => {
    let line = ''
    for (const part of parts) line += part(facts)
    return line + rest
  }
}

const header = (name: string, isIn: boolean): Part =>
  escapedPart(facts => (isIn ? facts.headerIn(name) : facts.headerOut(name)) ?? '-')

const byLetter: Readonly<Record<string, Part>> = {
  '%': () => '%',
  h: escapedPart(facts => facts.host),
  l: () => '-',
  u: facts => (facts.user === undefined ? '-' : facts.user === '' ? '""' : escaped(facts.user)),
  t: facts => commonTime(facts.time),
  r: escapedPart(facts => `${facts.method} ${facts.target} ${facts.protocol}`),
  s: facts => String(facts.status),
  b: facts => (facts.bytes === 0 ? '-' : String(facts.bytes)),
  B: facts => String(facts.bytes),
  O: facts => String(facts.bytesWithHead),
  D: facts => String(Math.round(facts.durationMs * 1000)),
  T: facts => String(Math.floor(facts.durationMs / 1000)),
  v: facts => facts.serverName,
  m: facts => facts.method,
  U: facts => escaped(facts.target.replace(/\?.*$/, '')),
  q: facts => escaped(/\?.*$/.exec(facts.target)?.[0] ?? ''),
  f: facts => escaped(facts.file ?? '-'),
  p: facts => String(facts.port),
  L: facts => facts.logId ?? '-',
}

/** One value, escaped. The last one is kept, since the same clients and agents come again and again. */
function escapedPart(read: Part): Part {
  let last = '-'
  let safe = '-'
  return facts => {
    const text = read(facts)
    if (text !== last) {
      last = text
      safe = escaped(text)
    }
    return safe
  }
}

/** Quotes, backslashes and what is not printable ASCII, as Apache writes them: nothing a client sends ends a line. */
function escaped(text: string): string {
  if (!/["\\]|[^\x20-\x7e]/.test(text)) return text
  // node reads header fields as latin1: the bytes that were sent, unless a function of this server wrote the text
  const bytes = Buffer.from(text, /[^\x00-\xff]/.test(text) ? 'utf8' : 'latin1')
  return Array.from(bytes, byte => {
    if (byte === 0x22) return '\\"'
    if (byte === 0x5c) return '\\\\'
    if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte)
    return `\\x${byte.toString(16).padStart(2, '0')}`
  }).join('')
}

let knownSecond = Number.NaN
let knownTime = ''

/** `[23/Nov/2026:02:09:39 +0000]`, made once a second; in GMT, so that no line depends on the machine's zone. */
function commonTime(time: number): string {
  const second = Math.floor(time / 1000)
  if (second !== knownSecond) {
    const [, day, month, year, clock] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(second * 1000).toUTCString())!
    knownTime = `[${day}/${month}/${year}:${clock} +0000]`
    knownSecond = second
  }
  return knownTime
}
