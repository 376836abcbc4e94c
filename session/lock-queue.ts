import type { Awaitable, Release } from './loader.ts'
import { SessionError } from './session-error.ts'

/** First come, first served, within this process: one holder for each name, the others wait in the order of their arrival. */
export class LockQueue {
  /** Undefined for a name that is held and waited for by nobody. */
  readonly #waiting = new Map<string, (() => void)[] | undefined>()

  /** True and held, if nobody holds it. */
  take(name: string): boolean {
    if (this.#waiting.has(name)) return false
    this.#waiting.set(name, undefined)
    return true
  }

  /** Resolves when it is the caller's turn, and it holds; a SessionError 'lock-timeout' after `waitMs`. */
  wait(name: string, waitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        const waiting = this.#waiting.get(name)
        waiting?.splice(waiting.indexOf(turn), 1)
        reject(lockTimeout(waitMs))
      }, waitMs)
      const others = this.#waiting.get(name)
      if (others === undefined) this.#waiting.set(name, [turn])
      else others.push(turn)
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
    else next()
  }

  /** The whole lock, for what lives in one process. */
  lock(name: string, waitMs: number): Release | Promise<Release> {
    const release = (): Release => {
      let held = true
      return () => {
        if (held) this.leave(name)
        held = false
      }
    }
    return this.take(name) ? release() : this.wait(name, waitMs).then(release)
  }
}

/** How long a save or an end without a lock of its own waits for one. */
export const LOCK_WAIT_MS = 10_000

/** Runs it under a lock, and gives the lock back, however it ends; at once where the lock is there. */
export const underLock = <Value>(lock: Release | Promise<Release>, run: () => Value): Awaitable<Value> =>
  lock instanceof Promise ? lock.then(release => released(release, run)) : released(lock, run)

export function released<Value>(release: Release, run: () => Value): Value {
  try {
    return run()
  } finally {
    void release()
  }
}

export const lockTimeout = (waitMs: number): SessionError =>
  new SessionError('lock-timeout', `the session was in use for ${waitMs / 1000} s (PSOSessionLockWait)`)
