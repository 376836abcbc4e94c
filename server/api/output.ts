import { closeSync, type Stats } from 'node:fs'
import { HeaderTable } from './header-table.ts'

/** A part of an open file. Whoever takes it closes it. */
export interface FileSlice {
  readonly fd: number
  readonly start: number
  readonly length: number
  /** Of the file when it was opened. */
  readonly stats: Stats
  /** The content type of an answer that is this slice alone; absent for one that says it itself, or has none. */
  readonly type?: string | undefined
}

/** Text, bytes, or a part of a file. */
export type Piece = string | Uint8Array | FileSlice

export const isSlice = (piece: Piece): piece is FileSlice => typeof piece === 'object' && 'fd' in piece

export const lengthOf = (piece: Piece): number => (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length)

/**
 * What a request answers, kept until it is flushed or the request ends: a handler that fails takes back all that is still here.
 * `send-response.ts` is what puts it on the wire.
 */
export class Output {
  status = 200
  readonly headers = new HeaderTable()
  /** Sent as Content-Type where the headers have none; undefined: the handler's default. */
  contentType: string | undefined
  /** Header fields of a file, name and value in turn, as they are sent; those of `headers` go with them. */
  prepared: readonly string[] = []
  /** A file, and what a CGI program sends, brings its own type: where it has none, text/html is not the default. */
  isFile = false
  /** A Fetch Response has made the head: without a content type it has none, and for HEAD without a body its length is not known. */
  bringsHead = false
  /** Bytes of body that were handed to the connection. */
  sentBytes = 0
  /** True once the head has left: status, headers and cookies stand, and a failure can only cut the connection. */
  flushed = false
  /** The head on its way, from the first flush on: it may have to wait for a session. */
  head: Promise<void> | undefined
  /** The length that the head told, where it left before the body was complete. */
  promised: number | undefined
  /** Set while a flushed file is being sent: what is written after it has to wait. */
  sending: Promise<void> | undefined
  #pieces: Piece[] = []
  /** How many of them are slices: few answers have one. */
  #slices = 0

  write(piece: string | Uint8Array): void {
    this.#pieces.push(piece)
  }

  /** Appends a part of a file, in order with what is written; it is this object's to close. */
  writeSlice(slice: FileSlice): void {
    this.#pieces.push(slice)
    this.#slices++
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  get hasSlices(): boolean {
    return this.#slices > 0
  }

  /** The slice that is all there is; undefined where there is anything else. */
  get onlySlice(): FileSlice | undefined {
    const piece = this.#slices === 1 && this.#pieces.length === 1 ? this.#pieces[0]! : ''
    return isSlice(piece) ? piece : undefined
  }

  /** In bytes, of all that was written since the last take. */
  get length(): number {
    return this.#pieces.reduce((sum, piece) => sum + lengthOf(piece), 0)
  }

  /** Throws away what has not left yet, and closes its files. */
  discard(): void {
    const pieces = this.#pieces
    if (pieces.length === 0) return
    this.#pieces = []
    if (this.#slices > 0) for (const piece of pieces) if (isSlice(piece)) closeSync(piece.fd)
    this.#slices = 0
  }

  /** What was written since the last take: text and bytes up to the next slice as one piece, or that slice. */
  take(): Piece {
    const pieces = this.#pieces
    if (pieces.length === 0) return ''
    if (this.#slices > 0) return this.#takeBefore(pieces.findIndex(isSlice))
    this.#pieces = []
    return joined(pieces as (string | Uint8Array)[])
  }

  #takeBefore(slice: number): Piece {
    if (slice > 0) return joined(this.#pieces.splice(0, slice) as (string | Uint8Array)[])
    this.#slices--
    return this.#pieces.shift()!
  }
}

function joined(pieces: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (pieces.length === 1) return pieces[0]!
  if (pieces.every(piece => typeof piece === 'string')) return pieces.join('')
  return Buffer.concat(pieces.map(piece => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}
