import { closeSync, constants, openSync, unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Ending } from './launch.ts'

/** Made at once: `mkfifo` is a program, and costs as much as one. */
const BATCH = 32

/** One end of a pipe to a program, and the path of its other end. */
export interface Pipe {
  readonly path: string
  readonly stream: Socket
  /** Closes this end. `isUnused`: nobody has the other end any more, so that it may serve another program. */
  close(isUnused: boolean): void
}

/**
 * FIFOs in a directory that no other user can enter. Node's own pipes to its children are sockets, which a program cannot open as /dev/stdin
 * or /dev/stderr; these are opened by another process, by their paths.
 */
export class Pipes {
  readonly #directory: string
  readonly #make: (paths: readonly string[]) => Promise<Ending>
  readonly #free: string[] = []
  #made = 0
  #making: Promise<Ending> | undefined

  constructor(directory: string, make: (paths: readonly string[]) => Promise<Ending>) {
    this.#directory = directory
    this.#make = make
  }

  /** So many paths of FIFOs; throws what kept them from being made. */
  async take(count: number): Promise<string[]> {
    while (this.#free.length < count) {
      const { failure } = await (this.#making ??= this.#makeMore())
      if (failure !== undefined) throw Object.assign(new Error(failure.message), { code: failure.code })
    }
    return this.#free.splice(-count)
  }

  async #makeMore(): Promise<Ending> {
    const paths = Array.from({ length: BATCH }, () => join(this.#directory, `${this.#made++}`))
    const made = await this.#make(paths)
    if (made.failure === undefined) this.#free.push(...paths)
    this.#making = undefined
    return made
  }

  /** The end that this process reads: it does not wait for a writer. */
  read(path: string): Pipe {
    return this.#pipe(path, openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), { readable: true })
  }

  /** The end that this process writes. Opened for both, since there is no reader yet: a program that is gone does not show here. */
  write(path: string): Pipe {
    return this.#pipe(path, openSync(path, constants.O_RDWR | constants.O_NONBLOCK), { writable: true })
  }

  /** FIFOs that were taken and not opened. */
  giveBack(paths: readonly string[]): void {
    this.#free.push(...paths)
  }

  #pipe(path: string, fd: number, ends: { readable?: boolean; writable?: boolean }): Pipe {
    let stream: Socket
    try {
      stream = new Socket({ fd, readable: false, writable: false, ...ends })
    } catch (error) {
      closeSync(fd)
      throw error
    }
    stream.on('error', () => {})
    return {
      path,
      stream,
      close: isUnused => {
        const closed = (): unknown => (isUnused ? this.#free.push(path) : remove(path))
        if (stream.closed) closed()
        else stream.destroy().once('close', closed)
      },
    }
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // the launcher has taken its directory away
  }
}
