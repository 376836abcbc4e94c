import { closeSync, constants, openSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { isAtLimits } from '../at-limits.ts'
import type { Ending } from './launch.ts'
import { OutputPipe } from './output-pipe.ts'
import { makePipeDirectory } from './pipe-directory.ts'
import { ProgramFailure } from './program-failure.ts'

/** Made at once: `mkfifo` is a program, and costs as much as one. */
const BATCH = 32

/** This process's end of a pipe that a program reads, and the path of the other. */
export interface InputPipe {
  readonly path: string
  readonly stream: Socket
  /** Closes this end. Who has begun to read the other may still: it serves nobody else. */
  close(): void
}

/** What a program writes, what it says on standard error, and what it reads, where there is something. */
export interface PipesOfProgram {
  readonly stdout: OutputPipe
  readonly stderr: OutputPipe
  readonly stdin: InputPipe | undefined
}

/**
 * FIFOs in directories that no other user can enter, whose other ends the launcher opens by their paths. Node's own pipes to its children
 * are sockets, and those a program cannot open as /dev/stdin or /dev/stderr.
 */
export class Pipes {
  readonly #make: (paths: readonly string[]) => Promise<Ending>
  /** How many pipes each has. */
  readonly #directories = new Map<string, number>()
  #free: string[] = []
  #making: Promise<void> | undefined

  /** `make`: has FIFOs made. */
  constructor(make: (paths: readonly string[]) => Promise<Ending>) {
    this.#make = make
  }

  /** Throws a ProgramFailure where no pipes can be made, and the system's error where it is at its limits. */
  async open(hasInput: boolean): Promise<PipesOfProgram> {
    for (let attempt = 1; ; attempt++) {
      const count = hasInput ? 3 : 2
      while (this.#free.length < count) await (this.#making ??= this.#makeMore())
      const paths = this.#free.splice(-count)
      try {
        return this.#openAll(paths)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 2) throw error
        // somebody has cleaned what was long unused out of the directory for temporary files
        this.#free = []
      }
    }
  }

  removeAll(): void {
    for (const directory of this.#directories.keys()) rmSync(directory, { recursive: true, force: true })
  }

  async #makeMore(): Promise<void> {
    try {
      const directory = makePipeDirectory()
      this.#directories.set(directory, BATCH)
      const paths = Array.from({ length: BATCH }, (_, at) => join(directory, String(at)))
      const { failure } = await this.#make(paths)
      if (failure !== undefined) throw Object.assign(new Error(failure.message), { code: failure.code })
      this.#free.push(...paths)
    } catch (error) {
      if (isAtLimits(error as NodeJS.ErrnoException)) throw error
      throw new ProgramFailure(`no pipes could be made for CGI programs: ${(error as Error).message}`)
    } finally {
      this.#making = undefined
    }
  }

  #openAll(paths: readonly string[]): PipesOfProgram {
    const opened: { close(): void }[] = []
    const keep = <Pipe extends { close(): void }>(pipe: Pipe): Pipe => {
      opened.push(pipe)
      return pipe
    }
    try {
      const [stdout, stderr, stdin] = paths as [string, string, string?]
      return {
        stdout: keep(this.#output(stdout)),
        stderr: keep(this.#output(stderr)),
        stdin: stdin === undefined ? undefined : keep(this.#input(stdin)),
      }
    } catch (error) {
      for (const pipe of opened) pipe.close()
      this.#free.push(...paths.slice(opened.length))
      throw error
    }
  }

  #output(path: string): OutputPipe {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return new OutputPipe(path, fd, isUnused => (isUnused ? this.#free.push(path) : this.#remove(path)))
  }

  #input(path: string): InputPipe {
    // it has no reader yet, which would be an error with O_WRONLY: so this process is one too
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    let stream: Socket
    try {
      stream = new Socket({ fd, readable: false, writable: true })
    } catch (error) {
      closeSync(fd)
      throw error
    }
    stream.on('error', () => {})
    const closed = (): void => this.#remove(path)
    return { path, stream, close: () => (stream.closed ? closed() : stream.destroy().once('close', closed)) }
  }

  /** With its directory, if it was the last there. */
  #remove(path: string): void {
    const directory = dirname(path)
    const left = this.#directories.get(directory)! - 1
    this.#directories.set(directory, left)
    try {
      unlinkSync(path)
      if (left > 0) return
      this.#directories.delete(directory)
      rmdirSync(directory)
    } catch {
      // the launcher has taken it away
    }
  }
}
