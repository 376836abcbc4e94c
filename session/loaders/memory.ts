import type { LoadContext, Release, SessionLoader, SessionRecord } from '../loader.ts'
import { LockQueue } from '../lock-queue.ts'

const TOMBSTONE_MS = 60 * 60 * 1000

/** Sessions in this process's memory: gone with it, and shared with no other. */
export class MemoryLoader implements SessionLoader {
  readonly #records = new Map<string, SessionRecord>()
  readonly #queue = new LockQueue()

  load(id: string, { serviceId }: LoadContext): SessionRecord | undefined {
    return this.#records.get(keyOf(serviceId, id))
  }

  save(id: string, record: SessionRecord, { serviceId }: LoadContext): 'saved' | 'conflict' {
    const key = keyOf(serviceId, id)
    const stored = this.#records.get(key)
    if ((stored?.version ?? 0) !== record.version) return 'conflict'
    this.#records.set(key, { ...record, version: record.version + 1 })
    return 'saved'
  }

  remove(id: string, { serviceId }: LoadContext): void {
    const key = keyOf(serviceId, id)
    const stored = this.#records.get(key)
    if (stored === undefined) return
    const endsAt = Math.max(stored.usedAt, Date.now()) + TOMBSTONE_MS
    this.#records.set(key, { ...stored, data: '{}', ended: true, endsAt, version: stored.version + 1 })
  }

  lock(id: string, { serviceId }: LoadContext, waitMs: number): Release | Promise<Release> {
    return this.#queue.lock(keyOf(serviceId, id), waitMs)
  }

  async purge(now: number): Promise<number> {
    let removed = 0
    let looked = 0
    for (const [key, { endsAt }] of this.#records) {
      if (endsAt !== undefined && endsAt <= now && this.#records.delete(key)) removed++
      if (++looked % 1000 === 0) await new Promise(setImmediate)
    }
    return removed
  }
}

const keyOf = (serviceId: string, id: string): string => `${serviceId}\0${id}`
