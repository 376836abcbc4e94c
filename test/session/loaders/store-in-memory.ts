import type { SessionRecord } from '../../../session/loader.ts'
import type { LockAnswer, RemoteStore } from '../../../session/loaders/remote-store.ts'

/** A remote store in this process, which says what it was asked: for tests of those who ask. */
export class StoreInMemory implements RemoteStore {
  readonly name = 'store://test'
  readonly calls: string[] = []
  readonly tokens = new Map<string, string>()
  readonly #records = new Map<string, SessionRecord>()
  /** Thrown by every call while it is set. */
  failure: Error | undefined

  async connect(): Promise<void> {
    this.#asked('connect')
  }

  disconnect(): void {
    this.calls.push('disconnect')
  }

  isOutage(error: unknown): boolean {
    return (error as Error).message === 'outage'
  }

  async lock(key: string, token: string): Promise<LockAnswer> {
    this.#asked('lock')
    const holder = this.tokens.get(key) ?? token
    this.tokens.set(key, holder)
    return { holder, record: holder === token ? this.#records.get(key) : undefined }
  }

  async renew(): Promise<void> {
    this.#asked('renew')
  }

  async unlock(key: string, token: string): Promise<void> {
    this.#asked('unlock')
    if (this.tokens.get(key) === token) this.tokens.delete(key)
  }

  async load(key: string): Promise<SessionRecord | undefined> {
    this.#asked('load')
    return this.#records.get(key)
  }

  async save(
    key: string,
    record: SessionRecord,
    token: string | undefined,
    unlocks: boolean,
  ): Promise<'saved' | 'conflict' | 'locked'> {
    this.#asked(unlocks ? 'save and unlock' : 'save')
    if (this.tokens.get(key) !== token) return token === undefined ? 'locked' : 'conflict'
    if ((this.#records.get(key)?.version ?? 0) !== record.version - 1) return 'conflict'
    this.#records.set(key, record)
    if (unlocks) this.tokens.delete(key)
    return 'saved'
  }

  async purge(): Promise<number> {
    this.#asked('purge')
    return 0
  }

  async *list(): AsyncGenerator<readonly [string, SessionRecord]> {
    yield* this.#records
  }

  #asked(what: string): void {
    this.calls.push(what)
    if (this.failure !== undefined) throw this.failure
  }
}
