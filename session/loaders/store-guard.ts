import { setTimeout as sleep } from 'node:timers/promises'
import { report } from '../report.ts'
import { SessionError } from '../session-error.ts'
import type { RemoteStore } from './remote-store.ts'

/** A store that has not answered for so long is taken for unreachable. */
const ANSWER_MS = 2000
/** How often pending calls are looked at, and how soon an unreachable store is tried again. */
const LOOK_MS = 200
/** How long a try to connect may take. */
const CONNECT_MS = 1000
/** How long a server that stops waits for what it has asked. */
const CLOSE_MS = 1000

interface Call {
  readonly since: number
  fail(error: SessionError): void
}

/**
 * Stands between a loader and its store: no call waits for longer than `ANSWER_MS`. When the store is found to be unreachable, all pending
 * and all new calls fail at once, and the store is tried again until it answers. Reported once when it is lost and once when it is back.
 * What a call that failed like this has done to the store is not known.
 */
export class StoreGuard {
  readonly #store: RemoteStore
  /** Called when the store is lost, with the error for whoever waits. */
  readonly #onOutage: (error: SessionError) => void
  readonly #calls = new Set<Call>()
  #connected: Promise<void> | undefined
  #isConnected = false
  #outage: SessionError | undefined
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0
  #isClosed = false

  constructor(store: RemoteStore, onOutage: (error: SessionError) => void) {
    this.#store = store
    this.#onOutage = onOutage
  }

  run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#outage !== undefined) return Promise.reject(this.#outage)
    if (this.#isClosed) return Promise.reject(closing())
    return new Promise((resolve, reject) => {
      const call: Call = { since: performance.now(), fail: reject }
      this.#calls.add(call)
      this.#watch()
      const answered = this.#isConnected ? work() : this.#connect().then(work)
      answered.then(
        value => {
          this.#calls.delete(call)
          resolve(value)
        },
        error => {
          this.#calls.delete(call)
          if (this.#store.isOutage(error)) this.#lose(error as Error)
          reject(this.#outage ?? error)
        },
      )
    })
  }

  /** No new call begins; pending ones get a moment, for one may be giving a lock back. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#timer = undefined
    const until = performance.now() + CLOSE_MS
    while (this.#calls.size > 0 && performance.now() < until) await sleep(CLOSE_MS / 100)
    this.#store.disconnect()
    for (const call of this.#calls) call.fail(closing())
    this.#calls.clear()
  }

  /** One attempt, shared by all calls that wait for it. */
  #connect(): Promise<void> {
    this.#connected ??= this.#store.connect().then(
      () => {
        this.#isConnected = true
      },
      error => {
        // even a wrong address, password or permission may be put right while we run
        this.#lose(error)
        throw error
      },
    )
    return this.#connected
  }

  #watch(): void {
    if (this.#timer !== undefined) return
    this.#lookedAt = performance.now()
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  #look(): void {
    const now = performance.now()
    // this process was busy or stopped, and has not read what may have arrived
    const isLate = now - this.#lookedAt > 2 * LOOK_MS
    this.#lookedAt = now
    const [oldest] = this.#calls
    if (oldest === undefined) {
      clearInterval(this.#timer)
      this.#timer = undefined
    } else if (!isLate && now - oldest.since > ANSWER_MS)
      this.#lose(new Error(`no answer within ${ANSWER_MS / 1000} s`))
  }

  #lose(cause: Error): void {
    if (this.#outage !== undefined || this.#isClosed) return
    const { name } = this.#store
    this.#outage = new SessionError('unavailable', `the session store ${name} cannot be used: ${reasonOf(cause)}`, {
      cause,
    })
    report(`${this.#outage.message}; what needs it is answered 503 until it is back`)
    this.#reset()
    for (const call of this.#calls) call.fail(this.#outage)
    this.#calls.clear()
    this.#onOutage(this.#outage)
    void this.#seek(performance.now())
  }

  #reset(): void {
    this.#isConnected = false
    this.#connected = undefined
    this.#store.disconnect()
  }

  /** Tries until the store answers; a connection that does not is thrown away. */
  async #seek(since: number): Promise<void> {
    while (!this.#isClosed) {
      await new Promise(resolve => setTimeout(resolve, LOOK_MS).unref())
      if (this.#isClosed) return
      if (!(await this.#answers())) {
        this.#reset()
        continue
      }
      this.#isConnected = true
      this.#connected = Promise.resolve()
      this.#outage = undefined
      report(`the session store ${this.#store.name} is back after ${((performance.now() - since) / 1000).toFixed(1)} s`)
      return
    }
  }

  #answers(): Promise<boolean> {
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), CONNECT_MS).unref()
      this.#store
        .connect()
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(() => clearTimeout(timer))
    })
  }
}

const closing = (): SessionError => new SessionError('unavailable', 'the server is being closed')

/** A reason that helps a person: the error for several addresses has its reasons inside. */
function reasonOf(error: Error): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as Error) : error
  return inner.message || (inner as NodeJS.ErrnoException).code || inner.name
}
