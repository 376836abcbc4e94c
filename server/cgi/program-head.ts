import { validateHeaderName, validateHeaderValue } from '../node-http.ts'
import { ProgramFailure } from './program-failure.ts'

/** All header lines of a program together. */
const MOST = 64 * 1024

/**
 * The header lines of a program (RFC 3875 section 6), read as they come: lines end with LF or CRLF; an empty one ends them, even if it is
 * the first, as in Apache. A mistake is a ProgramFailure as soon as it shows.
 */
export class ProgramHead {
  /** In the order they were sent, without Status; bytes outside ASCII are characters of Latin-1, as node sends them. */
  readonly fields: (readonly [name: string, value: string])[] = []
  /** Undefined: the program gave none. */
  status: { readonly code: number; readonly reason: string } | undefined
  readonly #file: string
  #line = ''
  #size = 0

  constructor(file: string) {
    this.#file = file
  }

  /** The last value of a field. */
  get(name: string): string | undefined {
    return this.fields.findLast(([field]) => field.toLowerCase() === name)?.[1]
  }

  /** Takes the next bytes; when the head is complete, gives those that follow it. */
  push(chunk: Buffer): Buffer | undefined {
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(0x0a, at)
      const until = end === -1 ? chunk.length : end
      this.#size += until + 1 - at
      if (this.#size > MOST) throw this.#wrong(`its header has more than ${MOST} bytes`)
      this.#line += chunk.toString('latin1', at, until)
      if (end === -1) return undefined
      at = end + 1
      const line = this.#line.replace(/\r$/, '')
      this.#line = ''
      if (line === '') return chunk.subarray(at)
      this.#take(line)
    }
    return undefined
  }

  #take(line: string): void {
    const colon = line.indexOf(':')
    if (colon === -1) throw this.#wrong(`bad header: ${shown(line)}`)
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      throw this.#wrong(`bad header: ${shown(line)}`)
    }
    if (name.toLowerCase() === 'status') this.#takeStatus(value)
    else if (name.toLowerCase() === 'content-length' && !/^\d{1,15}$/.test(value))
      throw this.#wrong(`bad Content-Length: ${shown(value)}`)
    else this.fields.push([name, value])
  }

  #takeStatus(value: string): void {
    const [, code, reason] = /^(\d{3})(?!\d)\s*(.*)$/.exec(value) ?? []
    // one of 1xx is no answer, and the client would wait for one
    if (code === undefined || Number(code) < 200)
      throw this.#wrong(`expected a Status from 200 to 999, got ${shown(value)}`)
    this.status = { code: Number(code), reason: reason! }
  }

  #wrong(what: string): ProgramFailure {
    return new ProgramFailure(`malformed header from script ${this.#file}: ${what}`)
  }
}

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
