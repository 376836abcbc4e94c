import type { Awaitable, LoaderContext, Lock } from '../loader.ts'
import { LockQueue, lockTimeout } from '../lock-queue.ts'
import { aboutOf, kindOf, type OwnLoader } from '../own-loader.ts'
import { SessionError } from '../session-error.ts'
import { sessionKey, sessionName } from '../session-key.ts'
import type { FileLock } from './file-lock.ts'
import { OwnHold } from './own-hold.ts'

/** How long a lock that a class has given counts as held for certain; after that a record is loaded again before it is saved. */
const CERTAIN_MS = 5000

/** The locks of a user's loader: the class's own, behind a queue of this process, or those of this machine where it has none. */
export class OwnLocks {
  readonly #name: string
  readonly #locks: FileLock
  readonly #onReleased: () => void
  readonly #queue = new LockQueue()

  /** `name`: of the class, for messages. `onReleased` is called once for each hold that was given back. */
  constructor({ name, locks }: { readonly name: string; readonly locks: FileLock }, onReleased: () => void) {
    this.#name = name
    this.#locks = locks
    this.#onReleased = onReleased
  }

  /** Waits at most `waitMs`, then a SessionError 'lock-timeout'; what the class throws passes through. */
  take(loader: OwnLoader, id: string, context: LoaderContext, waitMs: number): Promise<OwnHold> {
    return loader.lock === undefined
      ? this.#lockHere(sessionName(context.serviceId, id), waitMs)
      : this.#lockThere(loader, id, context, waitMs)
  }

  async #lockHere(name: string, waitMs: number): Promise<OwnHold> {
    const key = sessionKey(name)
    const unlock = await this.#locks.lock(key, waitMs)
    return new OwnHold({
      name,
      isHeld: () => this.#locks.isStillHeld(key),
      isCertain: () => true,
      release: () => this.#released(unlock),
    })
  }

  async #lockThere(loader: OwnLoader, id: string, context: LoaderContext, waitMs: number): Promise<OwnHold> {
    const name = sessionName(context.serviceId, id)
    const until = performance.now() + waitMs
    const turn = await this.#queue.lock(name, waitMs)
    try {
      const lock = await inTime(loader.lock!(id, aboutOf(context), until - performance.now()), waitMs, until)
      if (!isLock(lock))
        throw new SessionError(
          'bad-loader',
          `lock of ${this.#name}: expected an object with release(), got ${kindOf(lock)}`,
        )
      const since = performance.now()
      return new OwnHold({
        name,
        isHeld: () => true,
        isCertain: () => performance.now() - since < CERTAIN_MS,
        release: () => this.#released(() => lock.release(), turn),
      })
    } catch (error) {
      void turn.release()
      throw error
    }
  }

  /** A lock that cannot be given back ends by itself. */
  async #released(unlock: () => Awaitable<void>, turn?: Lock): Promise<void> {
    try {
      await unlock()
    } catch {
      // whoever wants it next will say what is wrong with the store
    } finally {
      await turn?.release()
      this.#onReleased()
    }
  }
}

const isLock = (value: unknown): value is Lock =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Lock>).release === 'function'

/** The lock, or a SessionError 'lock-timeout' after `until`; a lock that comes later is given back. */
function inTime(lock: Awaitable<Lock>, waitMs: number, until: number): Awaitable<Lock> {
  if (!(lock instanceof Promise)) return lock
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(lockTimeout(waitMs))
    }, until - performance.now())
    lock
      .then(got => {
        clearTimeout(timer)
        if (!isLate) resolve(got)
        else if (isLock(got)) return got.release()
      })
      .catch(reject)
      .finally(() => clearTimeout(timer))
  })
}
