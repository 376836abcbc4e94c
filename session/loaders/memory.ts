import { TOMBSTONE_MS } from '../life.ts'
import type { Awaitable, LoadContext, Release, SessionLoader, SessionRecord } from '../loader.ts'
import { LOCK_WAIT_MS, LockQueue, underLock } from '../lock-queue.ts'

/** Sessions in this process's memory: gone with it, and shared with no other. */
export class MemoryLoader implements SessionLoader {
  readonly #records = new Map<string, SessionRecord>()
  readonly #queue = new LockQueue()

  load(id: string, { serviceId }: LoadContext): SessionRecord | undefined {
    return this.#records.get(keyOf(serviceId, id))
  }

  save(id: string, record: SessionRecord, context: LoadContext): Awaitable<'saved' | 'conflict'> {
    const key = keyOf(context.serviceId, id)
    return this.#inTurn(key, context, () => {
      const stored = this.#records.get(key)
      if ((stored?.version ?? 0) !== record.version) return 'conflict'
      this.#records.set(key, { ...record, version: record.version + 1 })
      return 'saved'
    })
  }

  remove(id: string, context: LoadContext): Awaitable<void> {
    const key = keyOf(context.serviceId, id)
    return this.#inTurn(key, context, () => {
      const stored = this.#records.get(key)
      if (stored === undefined) return
      const endsAt = Math.max(stored.usedAt, Date.now()) + TOMBSTONE_MS
      this.#records.set(key, { ...stored, data: '{}', ended: true, endsAt, version: stored.version + 1 })
    })
  }

  /** At once, unless another than the caller holds the lock. */
  #inTurn<Value>(key: string, { isLocked }: LoadContext, run: () => Value): Awaitable<Value> {
    return isLocked === true ? run() : underLock(this.#queue.lock(key, LOCK_WAIT_MS), run)
  }

  lock(id: string, { serviceId }: LoadContext, waitMs: number): Release | Promise<Release> {
    return this.#queue.lock(keyOf(serviceId, id), waitMs)
  }

  async purge(now: number): Promise<number> {
    let removed = 0
    let looked = 0
    for (const [key, { endsAt }] of this.#records) {
      // one that is in use lives on with its next save
      if (endsAt !== undefined && endsAt <= now && !this.#queue.isHeld(key) && this.#records.delete(key)) removed++
      if (++looked % 1000 === 0) await new Promise(setImmediate)
    }
    return removed
  }
}

const keyOf = (serviceId: string, id: string): string => `${serviceId}\0${id}`
