import { once } from 'node:events'
import { closeSync, type Stats } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { HeaderTable } from './header-table.ts'

/** A part of an open file. Whoever takes it closes it. */
export interface FileSlice {
  readonly fd: number
  readonly start: number
  readonly length: number
  /** Of the file when it was opened. */
  readonly stats: Stats
}

/**
 * What a request answers, kept until it is flushed or the request ends: a handler that fails takes back all that is still here.
 * `send-response.ts` is what puts it on the wire.
 */
export class Output {
  status = 200
  readonly headers = new HeaderTable()
  /** Sent as Content-Type where the headers have none; undefined: the handler's default. */
  contentType: string | undefined
  /** Header fields of a file, name and value in turn, made ready by who answers: those of `headers` stand beside them. */
  prepared: readonly string[] = []
  /** A file's type is its own: none is not text/html. */
  isFile = false
  /** A file to be streamed in place of what was written. */
  slice: FileSlice | undefined
  /** Bytes of body that were handed to the connection. */
  sentBytes = 0
  /** True once the head has left: status, headers and cookies stand, and a failure can only cut the connection. */
  flushed = false
  /** The head on its way, from the first flush on: it may have to wait for a session. */
  head: Promise<void> | undefined
  #chunks: (string | Uint8Array)[] = []

  write(chunk: string | Uint8Array): void {
    this.#chunks.push(chunk)
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0
  }

  /** Throws away what has not left yet, a file that was opened for it too. */
  discard(): void {
    this.#chunks = []
    if (this.slice !== undefined) closeSync(this.slice.fd)
    this.slice = undefined
  }

  /** All that was written since the last take, as one piece. */
  take(): string | Uint8Array {
    const chunks = this.#chunks
    if (chunks.length === 0) return ''
    this.#chunks = []
    if (chunks.length === 1) return chunks[0]!
    if (chunks.every(chunk => typeof chunk === 'string')) return chunks.join('')
    return Buffer.concat(chunks.map(chunk => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)))
  }
}

/**
 * Writes one piece and resolves when the client keeps up; a client that has gone away ends the wait too, and one that takes nothing for
 * `timeoutMs` is cut off.
 */
export async function writeChunk(
  response: ServerResponse,
  chunk: string | Uint8Array,
  timeoutMs: number,
): Promise<void> {
  if (response.destroyed || chunk.length === 0) return
  if (response.write(chunk)) return
  const stopWaiting = cutIfStuck(response, timeoutMs)
  const gone = new AbortController()
  const onClose = (): void => gone.abort()
  response.once('close', onClose)
  try {
    await once(response, 'drain', { signal: gone.signal })
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    response.off('close', onClose)
    stopWaiting?.()
  }
}

/**
 * Cuts the connection if it takes nothing of what is waiting for `timeoutMs` (0: never); node's timer of a socket begins again with each
 * byte that gets through. Costs nothing where nothing waits. The function ends the watch; node ends it with a complete answer.
 */
export function cutIfStuck(response: ServerResponse, timeoutMs: number): (() => void) | undefined {
  const { socket } = response
  if (socket === null || socket.writableLength === 0) return undefined
  socket.setTimeout(timeoutMs)
  return () => socket.setTimeout(0)
}
