import { type ChildProcess, fork } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname, join } from 'node:path'
import { ownExtension } from '../own-extension.ts'
import type { Ending, Launch, Order, Told } from './launch.ts'
import { Pipes } from './pipes.ts'

export interface Listener {
  /** The pipe of the body has a reader. */
  onOpened?(): void
  /** Called once, also where the program cannot be run. */
  onEnd(ending: Ending): void
}

/** How long a launcher may take to end: one that was stopped (SIGSTOP) never would. */
const EXIT_MS = 3000

/** Runs CGI programs, by a process of its own that is started with the first of them. */
export class Launcher {
  #process: ChildProcess | undefined
  #pipes: Pipes | undefined
  #lastId = 0
  readonly #listeners = new Map<number, Listener>()

  /** FIFOs, for what is run now. */
  get pipes(): Pipes {
    this.#begin()
    return this.#pipes!
  }

  /** Runs a program. Returns what ends it, with all that it has started. */
  launch(launch: Omit<Launch, 'id'>, listener: Listener): () => void {
    const id = this.#order(listener, id => ({ id, ...launch }))
    return () => this.#tell({ end: id })
  }

  /** Ends all that still runs; resolves when nothing does. */
  async close(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    const gone = new Promise(resolve => child.once('exit', resolve))
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_MS)
    await gone
    clearTimeout(timer)
  }

  #order(listener: Listener, make: (id: number) => Order): number {
    const id = ++this.#lastId
    this.#begin()
    this.#listeners.set(id, listener)
    this.#tell(make(id))
    return id
  }

  #tell(order: Order): void {
    // one that has just gone has ended all that there was
    if (this.#process?.connected) this.#process.send(order, () => {})
  }

  #begin(): void {
    if (this.#process?.connected) return
    // it has disconnected, and its exit has not been reported yet
    if (this.#process !== undefined) this.#lost(this.#process)
    const cache = getCompileCacheDir()
    const child = fork(join(import.meta.dirname, `launcher-process${ownExtension}`), [], {
      // nothing of the server's own: NODE_OPTIONS least of all
      env: {
        PATH: process.env['PATH'],
        ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }),
      },
      execArgv: ['--max-semi-space-size=1', '--v8-pool-size=0'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.on('message', (told: Told) => this.#take(told))
    // one that could not be started may have no end
    child.once('error', (error: NodeJS.ErrnoException) => this.#lost(child, error.code))
    child.once('exit', () => this.#lost(child))
    this.#process = child
    this.#pipes = new Pipes(
      paths =>
        new Promise(resolve => {
          this.#order({ onEnd: resolve }, id => ({ pipes: id, paths }))
        }),
    )
  }

  #take(told: Told): void {
    const listener = this.#listeners.get(told.id)
    if ('hasOpened' in told) return listener?.onOpened?.()
    this.#listeners.delete(told.id)
    listener?.onEnd(told)
  }

  /** Tells whoever waits for it; the next program starts another. */
  #lost(child: ChildProcess, code = ''): void {
    if (this.#process !== child) return
    this.#process = undefined
    this.#pipes?.removeAll()
    for (const id of this.#listeners.keys()) this.#take({ id, failure: { code, message: 'the launcher is gone' } })
  }
}
