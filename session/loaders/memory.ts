import type { Awaitable, LoaderContext, Lock, SessionLoader, SessionRecord } from '../loader.ts'
import { LOCK_WAIT_MS, LockQueue, underLock } from '../lock-queue.ts'
import { sessionName } from '../session-key.ts'

/** Sessions in this process's memory: gone with it, and shared with no other. */
export class MemoryLoader implements SessionLoader {
  readonly #records = new Map<string, SessionRecord>()
  readonly #queue = new LockQueue()

  load(id: string, { serviceId }: LoaderContext): SessionRecord | undefined {
    return this.#records.get(sessionName(serviceId, id))
  }

  save(id: string, record: SessionRecord, { serviceId, lock }: LoaderContext): Awaitable<'saved' | 'conflict'> {
    const name = sessionName(serviceId, id)
    if (lock !== undefined) return this.#write(name, record)
    return underLock(this.#queue.lock(name, LOCK_WAIT_MS), () => this.#write(name, record))
  }

  #write(name: string, record: SessionRecord): 'saved' | 'conflict' {
    if ((this.#records.get(name)?.version ?? 0) !== record.version - 1) return 'conflict'
    this.#records.set(name, record)
    return 'saved'
  }

  lock(id: string, { serviceId }: LoaderContext, waitMs: number): Awaitable<Lock> {
    return this.#queue.lock(sessionName(serviceId, id), waitMs)
  }

  async purge(now: number): Promise<number> {
    let removed = 0
    let looked = 0
    for (const [name, { endsAt }] of this.#records) {
      // one that is in use lives on with its next save
      if (endsAt !== undefined && endsAt <= now && !this.#queue.isHeld(name) && this.#records.delete(name)) removed++
      if (++looked % 1000 === 0) await new Promise(setImmediate)
    }
    return removed
  }
}
