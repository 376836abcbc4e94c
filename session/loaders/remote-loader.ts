import { setTimeout as sleep } from 'node:timers/promises'
import { tombstoneOf } from '../life.ts'
import type { Awaitable, LoaderContext, Lock, SessionLoader, SessionRecord, StoredSession } from '../loader.ts'
import { LOCK_WAIT_MS, LockQueue, lockTimeout } from '../lock-queue.ts'
import { SessionError } from '../session-error.ts'
import { sessionKey, sessionName } from '../session-key.ts'
import { self, stateOf } from './lock-owner.ts'
import { remembered } from './remembered.ts'
import type { RemoteStore } from './remote-store.ts'
import { StoreGuard } from './store-guard.ts'

/** A lock whose holder has not been heard of for so long is free: the holder is dead, or cannot reach the store. */
const LEASE_MS = 9000
/** How often the leases of locks that are held for long are renewed. */
const RENEW_MS = 3000
/** How long one process may pass a lock on among its own requests before others get a chance. */
const TURN_MS = 50
/** The longest and the shortest wait between two tries for a lock that another process holds. */
const SHORTEST_MS = 10
const LONGEST_MS = 40
/** How many keys are remembered. */
const KEYS = 5000
const PURGED_AT_ONCE = 500

/** The tokens that this process holds or is asking for. If a store has another of its tokens, that was given up when the store did not answer. */
const tokens = new Set<string>()
let lastToken = 0

/**
 * Sessions in a store on the network, whichever it is. Requests of this process wait for a session in a queue; the first of them asks
 * the store, and gets the lock and the record in one round trip; another saves and unlocks. While others wait here the lock is passed on
 * among them for a short turn, with the record that is known, and the store is only asked to save.
 *
 * A holder that has lost its lock cannot write: the store compares token and version. A lock is lost when its lease ends, which a living
 * holder renews; the lock of a dead process of this machine is free at once.
 */
export class RemoteLoader implements SessionLoader {
  readonly #store: RemoteStore
  readonly #guard: StoreGuard
  readonly #queue = new LockQueue()
  /** The locks of the store that this process holds, by key. */
  readonly #holds = new Map<string, Hold>()
  readonly #keyOf = remembered(KEYS, sessionKey)
  #renewal: NodeJS.Timeout | undefined

  constructor(store: RemoteStore) {
    this.#store = store
    this.#guard = new StoreGuard(store, error => this.#queue.failAll(error))
  }

  connect(): Promise<void> {
    return this.#guard.run(async () => {}).catch(() => {})
  }

  load(id: string, { serviceId, lock }: LoaderContext): Awaitable<SessionRecord | undefined> {
    const key = this.#key(serviceId, id)
    const hold = this.#holdOf(key, lock)
    if (hold?.isKnown === true) return hold.record
    return this.#ask('cannot-load', 'the session could not be read', () => this.#store.load(key))
  }

  save(id: string, record: SessionRecord, { serviceId, lock, isLast }: LoaderContext): Promise<'saved' | 'conflict'> {
    const key = this.#key(serviceId, id)
    const hold = this.#holdOf(key, lock)
    return hold === undefined ? this.#saveUnlocked(key, record) : this.#save(key, record, hold, isLast === true)
  }

  async #save(key: string, record: SessionRecord, hold: Hold, isLast: boolean): Promise<'saved' | 'conflict'> {
    const unlocks = isLast && !this.#isPassedOn(key, hold)
    hold.isKnown = false
    const answer = await this.#write(key, record, hold.token, unlocks)
    if (answer !== 'saved') return 'conflict'
    hold.record = record
    hold.isKnown = true
    hold.isGivenBack = unlocks
    return 'saved'
  }

  /** A caller without a lock may have to wait for that of another. */
  async #saveUnlocked(key: string, record: SessionRecord): Promise<'saved' | 'conflict'> {
    const answer = await this.#write(key, record, undefined, false)
    if (answer !== 'locked') return answer
    const lock = await this.#lock(key, LOCK_WAIT_MS)
    try {
      return await this.#save(key, record, lock.hold, true)
    } finally {
      lock.release()
    }
  }

  #write(key: string, record: SessionRecord, token: string | undefined, unlocks: boolean) {
    return this.#ask('cannot-save', 'the session could not be saved', () =>
      this.#store.save(key, record, token, unlocks),
    )
  }

  lock(id: string, { serviceId }: LoaderContext, waitMs: number): Promise<Lock> {
    return this.#lock(this.#key(serviceId, id), waitMs)
  }

  async #lock(key: string, waitMs: number): Promise<RemoteLock> {
    const until = performance.now() + waitMs
    if (!this.#queue.take(key)) await this.#queue.wait(key, waitMs)
    try {
      const hold = this.#holds.get(key) ?? (await this.#compete(key, waitMs, until))
      return new RemoteLock(hold, () => this.#release(key, hold))
    } catch (error) {
      this.#queue.leave(key)
      throw error
    }
  }

  /** For the first of this process's queue: asks until the store gives it the lock. */
  async #compete(key: string, waitMs: number, until: number): Promise<Hold> {
    for (let pause = SHORTEST_MS; ; pause = Math.min(pause * 1.5, LONGEST_MS)) {
      const token = `${self} ${++lastToken}`
      tokens.add(token)
      let isMine = false
      try {
        const { holder, record } = await this.#ask('cannot-lock', 'the session could not be locked', () =>
          this.#store.lock(key, token, LEASE_MS),
        )
        isMine = holder === token
        if (isMine)
          return this.#keep(key, { token, record, since: performance.now(), isKnown: true, isGivenBack: false })
        if (isGivenUp(holder)) {
          await this.#ask('cannot-lock', 'the session could not be locked', () => this.#store.unlock(key, holder))
          continue
        }
      } finally {
        if (!isMine) tokens.delete(token)
      }
      if (performance.now() + pause > until) throw lockTimeout(waitMs)
      await sleep(pause)
    }
  }

  #keep(key: string, hold: Hold): Hold {
    this.#holds.set(key, hold)
    this.#renewal ??= setInterval(() => this.#renew(), RENEW_MS).unref()
    return hold
  }

  #renew(): void {
    if (this.#holds.size === 0) {
      clearInterval(this.#renewal)
      this.#renewal = undefined
    }
    const now = performance.now()
    for (const [key, { token, since }] of this.#holds)
      if (now - since > RENEW_MS / 2) this.#guard.run(() => this.#store.renew(key, token, LEASE_MS)).catch(() => {})
  }

  /** True where the next request of this process gets the lock without the store. */
  #isPassedOn(key: string, { since }: Hold): boolean {
    return this.#queue.hasWaiting(key) && performance.now() - since < TURN_MS
  }

  #release(key: string, hold: Hold): void {
    if (!hold.isGivenBack && hold.isKnown && this.#isPassedOn(key, hold)) {
      this.#queue.leave(key)
      return
    }
    this.#holds.delete(key)
    tokens.delete(hold.token)
    if (hold.isGivenBack) this.#leave(key, hold)
    // what cannot be given back now ends with its lease, or is found to be given up
    else
      this.#guard
        .run(() => this.#store.unlock(key, hold.token))
        .catch(() => {})
        .finally(() => this.#leave(key, hold))
  }

  /** After a whole turn others get the time of a try before the next request of this process. */
  #leave(key: string, hold: Hold): void {
    if (this.#queue.hasWaiting(key) && performance.now() - hold.since >= TURN_MS)
      setTimeout(() => this.#queue.leave(key), LONGEST_MS + SHORTEST_MS)
    else this.#queue.leave(key)
  }

  async purge(now: number): Promise<number> {
    const key = 'purge'
    if (!this.#queue.take(key)) return 0
    const token = `${self} ${++lastToken}`
    tokens.add(token)
    let removed = 0
    try {
      const { holder } = await this.#ask('cannot-lock', 'the store could not be purged', () =>
        this.#store.lock(key, token, LEASE_MS),
      )
      if (isGivenUp(holder)) await this.#guard.run(() => this.#store.unlock(key, holder))
      if (holder !== token) return 0
      for (let some = PURGED_AT_ONCE; some === PURGED_AT_ONCE; removed += some) {
        some = await this.#ask('cannot-save', 'the store could not be purged', () =>
          this.#store.purge(now, PURGED_AT_ONCE),
        )
        await this.#guard.run(() => this.#store.renew(key, token, LEASE_MS))
      }
      await this.#guard.run(() => this.#store.unlock(key, token))
    } finally {
      tokens.delete(token)
      this.#queue.leave(key)
    }
    return removed
  }

  async *list(keyPrefix = ''): AsyncGenerator<StoredSession> {
    const found = this.#store.list(keyPrefix)[Symbol.asyncIterator]()
    for (;;) {
      const next = await this.#ask('cannot-load', 'the sessions could not be listed', () => found.next())
      if (next.done === true) return
      const [key, record] = next.value
      yield { key, record, end: () => this.#end(key) }
    }
  }

  async #end(key: string): Promise<void> {
    const lock = await this.#lock(key, LOCK_WAIT_MS)
    try {
      const { record } = lock.hold
      if (record !== undefined && record.ended !== true)
        await this.#save(key, tombstoneOf(record, Date.now()), lock.hold, true)
    } finally {
      lock.release()
    }
  }

  close(): Promise<void> {
    clearInterval(this.#renewal)
    return this.#guard.close()
  }

  #key(serviceId: string, id: string): string {
    return this.#keyOf(sessionName(serviceId, id))
  }

  /** What the caller's lock knows, where it is a lock of this session. */
  #holdOf(key: string, lock: Lock | undefined): Hold | undefined {
    return lock instanceof RemoteLock && this.#holds.get(key) === lock.hold ? lock.hold : undefined
  }

  async #ask<Value>(code: 'cannot-load' | 'cannot-save' | 'cannot-lock', message: string, work: () => Promise<Value>) {
    try {
      return await this.#guard.run(work)
    } catch (cause) {
      if (cause instanceof SessionError) throw cause
      throw new SessionError(code, `${message}, in ${this.#store.name}: ${(cause as Error).message}`, { cause })
    }
  }
}

/** A lock of the store that this process holds, whichever of its requests has it. */
interface Hold {
  readonly token: string
  /** What the store has of the session. */
  record: SessionRecord | undefined
  /** When the process got it, ms of the monotonic clock. */
  readonly since: number
  /** False from the beginning of a save until its answer: what the store has is not known then. */
  isKnown: boolean
  /** True after a save that gave it back. */
  isGivenBack: boolean
}

class RemoteLock implements Lock {
  readonly hold: Hold
  #give: (() => void) | undefined

  constructor(hold: Hold, give: () => void) {
    this.hold = hold
    this.#give = give
  }

  release(): void {
    const give = this.#give
    this.#give = undefined
    give?.()
  }
}

/** True for the token of a process of this machine that died, and for one that this process has given up. */
const isGivenUp = (token: string): boolean =>
  token.startsWith(`${self} `) ? !tokens.has(token) : stateOf(token.slice(0, token.lastIndexOf(' '))) === 'dead'
