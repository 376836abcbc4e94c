import type { Awaitable, Lock } from './loader.ts'
import { SessionError } from './session-error.ts'

/** First come, first served, within this process: one holder for each name, the others wait in the order of their arrival. */
export class LockQueue {
  /** Undefined for a name that is held and waited for by nobody. */
  readonly #waiting = new Map<string, Waiter[] | undefined>()

  /** Takes it if nobody holds it; false if somebody does. */
  take(name: string): boolean {
    if (this.#waiting.has(name)) return false
    this.#waiting.set(name, undefined)
    return true
  }

  /** Resolves when the caller holds it; a SessionError 'lock-timeout' after `waitMs`. */
  wait(name: string, waitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const waiting = this.#waiting.get(name)
        waiting?.splice(waiting.indexOf(waiter), 1)
        reject(lockTimeout(waitMs))
      }, waitMs)
      const waiter: Waiter = {
        turn() {
          clearTimeout(timer)
          resolve()
        },
        fail(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      const others = this.#waiting.get(name)
      if (others === undefined) this.#waiting.set(name, [waiter])
      else others.push(waiter)
    })
  }

  isHeld(name: string): boolean {
    return this.#waiting.has(name)
  }

  hasWaiting(name: string): boolean {
    return (this.#waiting.get(name)?.length ?? 0) > 0
  }

  /** Gives it to the next in line, if there is one. */
  leave(name: string): void {
    const next = this.#waiting.get(name)?.shift()
    if (next === undefined) this.#waiting.delete(name)
    else next.turn()
  }

  /** Fails all who are waiting, for any name, since what they wait for cannot be had. Holders stay. */
  failAll(error: Error): void {
    for (const waiting of this.#waiting.values()) for (const waiter of waiting?.splice(0) ?? []) waiter.fail(error)
  }

  /** Take or wait, as one lock: for what lives in one process. */
  lock(name: string, waitMs: number): Awaitable<Lock> {
    return this.take(name) ? new QueueLock(this, name) : this.wait(name, waitMs).then(() => new QueueLock(this, name))
  }
}

interface Waiter {
  turn(): void
  fail(error: Error): void
}

class QueueLock implements Lock {
  readonly #name: string
  #queue: LockQueue | undefined

  constructor(queue: LockQueue, name: string) {
    this.#queue = queue
    this.#name = name
  }

  release(): void {
    const queue = this.#queue
    this.#queue = undefined
    queue?.leave(this.#name)
  }
}

/** How long a save without a lock of its own waits for one. */
export const LOCK_WAIT_MS = 10_000

/** Runs it under a lock, and gives the lock back however that ends; at once where the lock is there. */
export const underLock = <Value>(lock: Awaitable<Lock>, run: () => Value): Awaitable<Value> =>
  lock instanceof Promise ? lock.then(got => released(got, run)) : released(lock, run)

export function released<Value>(lock: Lock, run: () => Value): Value {
  try {
    return run()
  } finally {
    void lock.release()
  }
}

export const lockTimeout = (waitMs: number): SessionError =>
  new SessionError('lock-timeout', `the session was in use for ${waitMs / 1000} s (PSOSessionLockWait)`)
