import { Writable } from 'node:stream'
import { STATUS_CODES } from '../node-http.ts'
import type { Outgoing } from '../outgoing.ts'

/**
 * An answer as a CGI program gives it (RFC 3875 section 6): a `Status` line unless it is 200 and there are header fields, the header fields
 * with Content-Type last, as in the how-to, a blank line, the body. An error of `out`, whose reader has gone away, destroys it in silence.
 */
export class CgiResponse extends Writable implements Outgoing {
  readonly socket = null
  strictContentLength = false
  readonly #out: Writable
  readonly #isRunByServer: boolean
  /** The head until it leaves, with the first bytes of the body. */
  #head: Buffer | undefined
  /** Bytes of body that the head promised. */
  #promised: number | undefined
  #sent = 0

  /** `isRunByServer`: false where a person reads it, who needs no Content-Length. */
  constructor(out: Writable, isRunByServer: boolean) {
    super()
    this.#out = out
    this.#isRunByServer = isRunByServer
    this.on('error', () => {})
    out.on('error', () => this.destroy())
  }

  writeHead(status: number, fields: string[]): this {
    // there has to be at least one field (RFC 3875 6.2)
    const isSaid = status !== 200 || fields.length === 0
    const lines: string[] = isSaid ? [`Status: ${status} ${STATUS_CODES[status] ?? 'Unknown'}`] : []
    const types: string[] = []
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!.toLowerCase()
      const line = `${fields[at]}: ${fields[at + 1]}`
      if (name === 'content-length') this.#promised = Number(fields[at + 1])
      if (name === 'content-type') types.push(line)
      else if (name !== 'content-length' || this.#isRunByServer) lines.push(line)
    }
    // as HTTP has them: node reads and writes header fields as latin1
    this.#head = Buffer.from(`${[...lines, ...types].join('\n')}\n\n`, 'latin1')
    return this
  }

  flushHeaders(): void {
    if (this.#head !== undefined) this.write('')
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#sent += chunk.length
    if (this.strictContentLength && this.#promised !== undefined && this.#sent > this.#promised)
      return callback(new Error(`the body has more than the ${this.#promised} bytes of its Content-Length`))
    const head = this.#head
    this.#head = undefined
    if (this.#out.write(head === undefined ? chunk : Buffer.concat([head, chunk]))) callback()
    else this.#out.once('drain', callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.strictContentLength && this.#promised !== undefined && this.#sent < this.#promised)
      return callback(new Error(`the body has ${this.#sent} bytes, its Content-Length is ${this.#promised}`))
    // after all that still waits
    this.#out.write(this.#head ?? '', callback)
  }
}
