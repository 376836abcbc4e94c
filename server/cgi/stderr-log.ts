import { StringDecoder } from 'node:string_decoder'
import type { RequestState } from '../request-state.ts'

const LONGEST_LINE = 8 * 1024
const MOST = 64 * 1024

/** Writes what a program says on standard error to the error log, a line for a line, 65,536 characters for a request; the rest is dropped. */
export class StderrLog {
  readonly #state: RequestState
  readonly #file: string
  #decoder: StringDecoder | undefined
  #begun = ''
  #left = MOST

  /** `file`: the program's. */
  constructor(state: RequestState, file: string) {
    this.#state = state
    this.#file = file
  }

  write(bytes: Buffer): void {
    if (this.#left === 0) return
    this.#decoder ??= new StringDecoder('utf8')
    const text = this.#decoder.write(bytes)
    const lines = (this.#begun + text.slice(0, this.#left)).split(/\r?\n/)
    this.#left = Math.max(0, this.#left - text.length)
    this.#begun = lines.pop()!
    while (this.#begun.length > LONGEST_LINE) {
      lines.push(this.#begun.slice(0, LONGEST_LINE))
      this.#begun = this.#begun.slice(LONGEST_LINE)
    }
    for (const line of lines) this.#tell(line)
    if (this.#left > 0) return
    this.end()
    this.#tell(`(more than ${MOST} characters: the rest is left out)`)
  }

  /** Nothing more comes: a last line may have no end. */
  end(): void {
    this.#tell(this.#begun + (this.#decoder?.end() ?? ''))
    this.#begun = ''
  }

  #tell(line: string): void {
    if (line !== '') this.#state.site.errorLog.write('error', `stderr from ${this.#file}: ${line}`, this.#state)
  }
}
