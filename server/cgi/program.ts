import type { Ending } from './launch.ts'
import type { Launcher } from './launcher.ts'
import type { OutputPipe } from './output-pipe.ts'
import type { InputPipe, PipesOfProgram } from './pipes.ts'
import { ProgramFailure } from './program-failure.ts'
import type { StderrLog } from './stderr-log.ts'
import { notStarted } from './why-not-started.ts'

/** How long the pipes of a program that has begun are left alone: most are over by then, and what they gave is taken at once. */
const SOON_MS = 5
/** How long others may still hold the output of a program that has ended, without writing anything, before the answer ends without them. */
const LINGER_MS = 1000
/** How long a program may take to end when it has closed its output. */
const EXIT_MS = 250

interface ProgramOptions {
  /** Absolute. */
  readonly file: string
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** False: its standard input is empty. */
  readonly hasBody: boolean
  /** CGIScriptTimeout. */
  readonly timeoutMs: number
  /** Hears what it says on standard error. */
  readonly stderrLog: StderrLog
}

/** A CGI program that runs, as who sends its output sees it: chunk by chunk, and only as fast as they are taken. */
export class Program {
  readonly file: string
  readonly stdin: InputPipe | undefined
  /** True while the program has all of the body that the client has sent, and more is to come: it may well be silent. */
  waitsForClient = false
  readonly #stdout: OutputPipe
  readonly #stderr: OutputPipe
  readonly #stderrLog: StderrLog
  readonly #timeoutMs: number
  readonly #end: () => void
  #isFed = false
  #hasReader = false
  /** Of the program itself. */
  #ending: Ending | undefined
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  /** Throws a ProgramFailure, or a Refusal (503) where the machine is at its limits. */
  static async start(launcher: Launcher, options: ProgramOptions): Promise<Program> {
    try {
      return new Program(launcher, options, await launcher.pipes.open(options.hasBody))
    } catch (error) {
      throw error instanceof ProgramFailure ? error : notStarted(options.file, error as NodeJS.ErrnoException)
    }
  }

  constructor(
    launcher: Launcher,
    { file, directory, environment, timeoutMs, stderrLog }: ProgramOptions,
    { stdout, stderr, stdin }: PipesOfProgram,
  ) {
    this.file = file
    this.stdin = stdin
    this.#stdout = stdout
    this.#stderr = stderr
    this.#stderrLog = stderrLog
    this.#timeoutMs = timeoutMs
    const pipes = { stdout: stdout.path, stderr: stderr.path, ...(stdin === undefined ? {} : { stdin: stdin.path }) }
    this.#end = launcher.launch(
      { file, directory, environment, ...pipes },
      {
        onOpened: () => {
          this.#hasReader = true
          if (this.#isFed) this.stdin!.stream.end()
        },
        onEnd: ending => {
          this.#ending = ending
          this.#wake?.()
        },
      },
    )
  }

  /**
   * The next bytes of its output; undefined at the end. Throws a ProgramFailure where it could not be run, or gives nothing for too long
   * (504), and what `fail` was told.
   */
  async read(): Promise<Buffer | undefined> {
    if (this.#ending === undefined && !this.#stdout.isWatched) await this.#wait(SOON_MS)
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      const chunk = this.#take()
      if (chunk !== null) return chunk
      if (this.#stdout.hasEnded) return undefined
      if (this.#ending !== undefined) {
        if (!(await this.#wait(LINGER_MS))) return undefined
      } else if (!(await this.#wait(this.#timeoutMs)) && !this.waitsForClient) {
        throw new ProgramFailure(`${this.file} gave nothing for ${this.#timeoutMs / 1000} s (CGIScriptTimeout)`, 504)
      }
    }
  }

  /** What it gives within so many ms, to its end at most, and not much more than `most` bytes. */
  async readFor(ms: number, most: number): Promise<{ readonly chunks: readonly Buffer[]; readonly hasEnded: boolean }> {
    const chunks: Buffer[] = []
    const until = performance.now() + ms
    for (let size = 0, left = ms; left > 0 && size < most && this.#failure === undefined; ) {
      const chunk = this.#take()
      if (chunk !== null) {
        chunks.push(chunk)
        size += chunk.length
      } else if (this.#stdout.hasEnded) {
        return { chunks, hasEnded: true }
      } else {
        await this.#wait(left)
        left = until - performance.now()
      }
    }
    return { chunks, hasEnded: false }
  }

  /** The body is complete. It stays in the pipe only as long as that has an end that is open. */
  endInput(): void {
    this.#isFed = true
    if (this.#hasReader) this.stdin!.stream.end()
  }

  /** The program has taken something: its time begins anew. */
  progress(): void {
    if (this.#stdout.isWatched) this.#timer?.refresh()
  }

  /** Whoever reads gets this error. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake?.()
  }

  /**
   * After the end of its output: the signal that ended it, where one did. Waits for its end, and for what it said last, for a short time.
   * Throws where it could not be run.
   */
  async signal(): Promise<NodeJS.Signals | undefined> {
    const until = performance.now() + EXIT_MS
    const isOver = (): boolean => this.#ending !== undefined && this.#takeStderr()
    for (let left = EXIT_MS; !isOver() && left > 0; left = until - performance.now()) await this.#wait(left)
    const failure = this.#ending?.failure
    if (failure !== undefined) throw notStarted(this.file, failure)
    return this.#ending?.signal
  }

  /** After the end of its output: what ended by a signal has given no whole answer, which is a ProgramFailure. */
  async finish(): Promise<void> {
    const signal = await this.signal()
    if (signal !== undefined) throw new ProgramFailure(`${this.file} was ended by ${signal}`)
  }

  /** Ends it if it still runs, with all that it has started. */
  end(): void {
    if (this.#ending === undefined || this.#ending.hasLeft) this.#end()
    this.#stdout.close()
    this.stdin?.close()
    const close = (): void => {
      this.#stderrLog.end()
      this.#stderr.close()
    }
    if (this.#ending !== undefined && this.#takeStderr()) return close()
    // what it still says, or others do that hold it
    this.#stderr.watch(() => this.#takeStderr())
    setTimeout(close, LINGER_MS).unref()
  }

  /** What is there of its output, or null: then it is watched from now on, if it has not ended. */
  #take(): Buffer | null {
    const isWatched = this.#stdout.isWatched
    if (isWatched || this.#ending !== undefined) {
      const chunk = this.#stdout.take()
      if (chunk !== null || isWatched || this.#stdout.hasEnded) return chunk
    }
    const wake = (): void => this.#wake?.()
    this.#stdout.watch(wake)
    this.#stderr.watch(() => {
      this.#takeStderr()
      wake()
    })
    return null
  }

  /** Of a program that is over, or whose pipes are watched. True at its end. */
  #takeStderr(): boolean {
    for (let chunk = this.#stderr.take(); chunk !== null; chunk = this.#stderr.take()) this.#stderrLog.write(chunk)
    if (this.#stderr.hasEnded) this.#stderrLog.end()
    return this.#stderr.hasEnded
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
