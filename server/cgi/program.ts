import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { ProcessGroups } from './process-groups.ts'
import { ProgramFailure } from './program-failure.ts'

/** How long others may still hold the output of a program that has ended, without writing anything, before the answer ends without them. */
const LINGER_MS = 1000
/** How long a program may take to end when it has closed its output. */
const EXIT_MS = 250

interface ProgramOptions {
  readonly child: ChildProcess
  readonly file: string
  readonly groups: ProcessGroups
  /** CGIScriptTimeout. */
  readonly timeoutMs: number
}

/** A CGI program that runs, as who sends its output sees it: chunk by chunk, and only as fast as they are taken. */
export class Program {
  readonly file: string
  /** True while the program has all of the body that the client has sent, and more is to come: it may well be silent. */
  waitsForClient = false
  readonly #child: ChildProcess
  readonly #stdout: Readable
  readonly #groups: ProcessGroups
  readonly #timeoutMs: number
  /** The end of the program itself. */
  #hasExited = false
  /** The end of the program and all its pipes. */
  #isClosed = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ child, file, groups, timeoutMs }: ProgramOptions) {
    this.file = file
    this.#child = child
    this.#stdout = child.stdout!
    this.#groups = groups
    this.#timeoutMs = timeoutMs
    groups.add(child.pid!)
    const wake = (): void => this.#wake?.()
    this.#stdout.on('readable', wake).on('end', wake).on('close', wake).on('error', wake)
    child.on('error', () => {})
    child.once('exit', () => {
      this.#hasExited = true
      groups.leaderGone(child.pid!)
      wake()
    })
    child.once('close', () => {
      this.#isClosed = true
      wake()
    })
  }

  /**
   * The next bytes of its output; undefined at the end. Throws a ProgramFailure (504) where it gives nothing for too long, and what `fail`
   * was told.
   */
  async read(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      const chunk = this.#stdout.read() as Buffer | null
      if (chunk !== null) return chunk
      if (this.#stdout.readableEnded || this.#stdout.destroyed) return undefined
      if (this.#hasExited) {
        if (!(await this.#wait(LINGER_MS))) return undefined
      } else if (!(await this.#wait(this.#timeoutMs)) && !this.waitsForClient) {
        throw new ProgramFailure(`${this.file} gave nothing for ${this.#timeoutMs / 1000} s (CGIScriptTimeout)`, 504)
      }
    }
  }

  /** The program has taken something: its time begins anew. */
  progress(): void {
    this.#timer?.refresh()
  }

  /** Whoever reads gets this error. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake?.()
  }

  /** After the end of its output: the signal that ended it, where one did. Waits for its end, and for what it said last, for a short time. */
  async signal(): Promise<NodeJS.Signals | undefined> {
    const until = performance.now() + EXIT_MS
    for (let left = EXIT_MS; !this.#isClosed && left > 0; left = until - performance.now()) await this.#wait(left)
    return this.#child.signalCode ?? undefined
  }

  /** Ends it if it still runs, with all that it has started. */
  end(): void {
    this.#groups.end(this.#child.pid!)
    this.#stdout.destroy()
    this.#child.stdin?.destroy()
    // others may hold it
    if (!this.#isClosed) setTimeout(() => this.#child.stderr!.destroy(), LINGER_MS).unref()
  }

  /** True: something has happened; false: nothing for so long. */
  #wait(ms: number): Promise<boolean> {
    return new Promise(resolve => {
      const end = (happened: boolean): void => {
        clearTimeout(this.#timer)
        this.#wake = this.#timer = undefined
        resolve(happened)
      }
      this.#wake = () => end(true)
      this.#timer = setTimeout(end, ms, false)
    })
  }
}
