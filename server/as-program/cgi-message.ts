import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { IncomingMessage } from '../node-http.ts'
import { type CgiEnvironment, headersOf, isRunByServer, urlOf } from './cgi-environment.ts'

/**
 * A request as Node's HTTP server would give it, made from a CGI program's environment. Its body is read from standard input, which is opened
 * with the first read: as many bytes as CONTENT_LENGTH says, to the end where the client sent chunks, else none (RFC 3875 4.2).
 */
export class CgiMessage extends IncomingMessage {
  readonly #openInput: () => Readable
  #input: Readable | undefined
  /** Bytes that are still to come. */
  #left: number
  #isDiscarded = false
  #onEnd: (() => void) | undefined

  constructor(environment: CgiEnvironment, openInput: () => Readable) {
    super(connectionOf(environment) as Socket)
    this.#openInput = openInput
    this.#left = lengthOf(environment)
    this.method = environment['REQUEST_METHOD'] ?? 'GET'
    this.url = urlOf(environment)
    this.httpVersion = /^HTTP\/(\d\.\d)$/.exec(environment['SERVER_PROTOCOL'] ?? '')?.[1] ?? '1.1'
    ;[this.httpVersionMajor = 1, this.httpVersionMinor = 1] = this.httpVersion.split('.').map(Number)
    this.rawHeaders = headersOf(environment)
    // a name has one variable, so that nothing is to be joined
    this.headers = {}
    for (let at = 0; at < this.rawHeaders.length; at += 2)
      this.headers[this.rawHeaders[at]!.toLowerCase()] = this.rawHeaders[at + 1]
  }

  override _read(): void {
    if (this.#left === 0) return this.#end()
    this.#input ??= this.#open()
    this.#input.resume()
  }

  #open(): Readable {
    const input = this.#openInput()
    input.on('data', (chunk: Buffer) => this.#take(chunk))
    input.once('error', error => this.destroy(error))
    input.once('close', () => this.#inputEnded())
    input.once('end', () => this.#inputEnded())
    return input
  }

  #take(chunk: Buffer): void {
    ;(this.socket as { bytesRead: number }).bytesRead += chunk.length
    const part = chunk.subarray(0, this.#left)
    this.#left -= part.length
    const isDropped = this.destroyed || this.#isDiscarded
    if (this.#left === 0) this.#end(isDropped ? undefined : part)
    else if (!isDropped && !this.push(part)) this.#input?.pause()
  }

  #inputEnded(): void {
    if (this.complete) return
    if (this.#left === Number.POSITIVE_INFINITY || this.destroyed || this.#isDiscarded) this.#end()
    else this.destroy(new Error(`${this.#left} bytes of it are missing`))
  }

  #end(last?: Buffer): void {
    if (this.complete) return
    this.complete = true
    this.#input?.pause()
    if (last !== undefined) this.push(last)
    if (!this.destroyed) this.push(null)
    this.#onEnd?.()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isDiscarded) this.#input?.pause()
    callback(error)
  }

  /** Reads the rest of the body and drops it; resolves at its end. If some of a body is not read, Apache may send no answer. */
  discard(): Promise<void> {
    return new Promise(resolve => {
      if (this.#left === 0 || this.complete) return resolve()
      this.#isDiscarded = true
      this.#onEnd = resolve
      this.#input ??= this.#open()
      this.#input.resume()
    })
  }
}

function lengthOf(environment: CgiEnvironment): number {
  const declared = environment['CONTENT_LENGTH'] ?? ''
  if (/^\d+$/.test(declared)) return Number(declared)
  return /\bchunked\b/i.test(environment['HTTP_TRANSFER_ENCODING'] ?? '') ? Number.POSITIVE_INFINITY : 0
}

/** Whoever starts a program in a shell is on this machine. */
function connectionOf(environment: CgiEnvironment): Partial<Socket> {
  const port = (name: string): number | undefined => Number(environment[name]) || undefined
  const remoteAddress = environment['REMOTE_ADDR'] ?? (isRunByServer(environment) ? undefined : '127.0.0.1')
  return {
    bytesRead: 0,
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    remotePort: port('REMOTE_PORT'),
    localAddress: environment['SERVER_ADDR'],
    localPort: port('SERVER_PORT'),
  } as Partial<Socket>
}
