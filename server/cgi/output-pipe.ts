import { closeSync, readSync } from 'node:fs'
import { Socket } from 'node:net'

/** What is read at once goes through it. */
const room = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * This process's end of a pipe that a program writes to. What a program has left there when it is over is taken at once; only that of one
 * that still runs is watched, which costs more than a small answer.
 */
export class OutputPipe {
  readonly path: string
  readonly #fd: number
  readonly #onClosed: (isUnused: boolean) => void
  #stream: Socket | undefined
  #hasEnded = false

  /** `fd`: opened with O_NONBLOCK. `onClosed` hears whether nobody has the other end any more, so that the pipe may serve another program. */
  constructor(path: string, fd: number, onClosed: (isUnused: boolean) => void) {
    this.path = path
    this.#fd = fd
    this.#onClosed = onClosed
  }

  get isWatched(): boolean {
    return this.#stream !== undefined
  }

  /** True when all has been taken, and nothing can come any more. */
  get hasEnded(): boolean {
    return this.#stream === undefined ? this.#hasEnded : this.#stream.readableEnded || this.#stream.destroyed
  }

  /** What is there now, or null. Before it is watched, only for a program that is over: one that has not opened it yet looks like an end. */
  take(): Buffer | null {
    if (this.#stream !== undefined) return this.#stream.read()
    if (this.#hasEnded) return null
    let size: number
    try {
      size = readSync(this.#fd, room)
    } catch (error) {
      // somebody else still has the other end
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null
      throw error
    }
    this.#hasEnded = size === 0
    return size === 0 ? null : Buffer.from(room.subarray(0, size))
  }

  /** From now on `onChange` hears when there is something to take, or an end. */
  watch(onChange: () => void): void {
    if (this.#hasEnded || this.#stream !== undefined) return
    this.#stream = new Socket({ fd: this.#fd, readable: true, writable: false })
    this.#stream.on('error', () => {})
    for (const event of ['readable', 'end', 'close']) this.#stream.on(event, onChange)
  }

  close(): void {
    const stream = this.#stream
    if (stream === undefined) {
      closeSync(this.#fd)
      this.#onClosed(this.#hasEnded)
    } else {
      const closed = (): void => this.#onClosed(stream.readableEnded)
      if (stream.closed) closed()
      else stream.destroy().once('close', closed)
    }
  }
}
