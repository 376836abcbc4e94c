import type { RequestState } from '../request-state.ts'
import { InputRefusal } from './input-refusal.ts'
import { type Receiving, receiveBody } from './receive-body.ts'

/** How long a line may be, in bytes. */
const MOST_LINE = 1024 * 1024
const NEWLINE = 10
const nothing = Buffer.alloc(0)

/** A body as its handler reads it: piece by piece, no faster than it asks for. What was not read yet comes with the next call. */
export class BodyReader {
  readonly #state: RequestState
  #chunks: Buffer[] = []
  #receiving: Receiving | undefined
  #isComplete = false
  #failure: unknown
  #wake: (() => void) | undefined
  /** Calls that nobody awaited come one after another. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(state: RequestState) {
    this.#state = state
  }

  /** The next `size` bytes, fewer only at the end; without a size all that is left; nothing at the end. */
  read(size = Number.POSITIVE_INFINITY): Promise<Buffer> {
    if (!(size >= 0)) throw new TypeError(`expected a number of bytes to read, got ${String(size)}`)
    return this.#inTurn(async () => {
      const taken: Buffer[] = []
      let missing = size
      while (missing > 0) {
        const chunk = await this.#next()
        if (chunk === undefined) break
        if (chunk.length > missing) this.#chunks.unshift(chunk.subarray(missing))
        taken.push(chunk.subarray(0, missing))
        missing -= Math.min(chunk.length, missing)
      }
      return taken.length === 1 ? taken[0]! : Buffer.concat(taken)
    })
  }

  /** The next line as text, with its line end if it has one; '' at the end. One of more than 1 MiB is 413. */
  readline(): Promise<string> {
    return this.#inTurn(async () => {
      const taken: Buffer[] = []
      let size = 0
      for (;;) {
        const chunk = await this.#next()
        if (chunk === undefined) break
        const end = chunk.indexOf(NEWLINE) + 1
        const piece = end === 0 ? chunk : chunk.subarray(0, end)
        size += piece.length
        if (size > MOST_LINE) throw new InputRefusal(413, `a line of the body has more than ${MOST_LINE} bytes`)
        taken.push(piece)
        if (end === 0) continue
        if (end < chunk.length) this.#chunks.unshift(chunk.subarray(end))
        break
      }
      return Buffer.concat(taken).toString('utf8')
    })
  }

  /** What comes next, in whatever pieces it comes; nothing at the end. */
  readSome(): Promise<Buffer> {
    return this.#inTurn(async () => (await this.#next()) ?? nothing)
  }

  /** Nobody will read the rest: the answer has been sent. */
  stop(): void {
    this.#receiving?.stop(new Error('the answer has been sent: the rest of the body is not read any more'))
  }

  #inTurn<Value>(run: () => Promise<Value>): Promise<Value> {
    const done = this.#turn.then(run)
    this.#turn = done.catch(() => {})
    return done
  }

  async #next(): Promise<Buffer | undefined> {
    this.#receiving ??= this.#receive()
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) return chunk
      if (this.#failure !== undefined) throw this.#failure
      if (this.#isComplete) return undefined
      await new Promise<void>(wake => {
        this.#wake = wake
        this.#state.raw.resume()
      })
    }
  }

  #receive(): Receiving {
    const { raw } = this.#state
    const receiving = receiveBody(this.#state, chunk => {
      this.#chunks.push(chunk)
      raw.pause()
      this.#wake?.()
    })
    receiving.done
      .then(
        () => (this.#isComplete = true),
        error => (this.#failure = error),
      )
      .then(() => this.#wake?.())
    return receiving
  }
}

/** The body of a request, for its handler to read; an Error where it was read as a form before. */
export function bodyOf(state: RequestState): BodyReader {
  if (state.bodyInput !== undefined)
    throw new Error('the body was read before the handler began: PSOInput = off leaves it to the handler')
  state.body ??= new BodyReader(state)
  return state.body
}
