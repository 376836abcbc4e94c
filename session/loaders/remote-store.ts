import type { SessionRecord } from '../loader.ts'

/**
 * What a store on the network does for `RemoteLoader`, each in one round trip. A session is named by its `sessionKey`. The lock is a
 * token in the store that nobody else can have, with a lease by the store's own clock. Throws the driver's errors.
 */
export interface RemoteStore {
  /** Its address as a person may read it: without a password. */
  readonly name: string
  /** Opens its connections, and makes what is missing in it; after a `disconnect` too. */
  connect(): Promise<void>
  /** Lets go of all connections at once, whatever is under way on them. */
  disconnect(): void
  /** True where the store did not answer, or cannot for now; false for an answer that is an error. */
  isOutage(error: unknown): boolean
  /** Takes the lock for `leaseMs` if it is free, and reads the record. */
  lock(key: string, token: string, leaseMs: number): Promise<LockAnswer>
  /** Renews the lease, if the token still holds the lock. */
  renew(key: string, token: string, leaseMs: number): Promise<void>
  /** Ends the lock, if the token still holds it. */
  unlock(key: string, token: string): Promise<void>
  load(key: string): Promise<SessionRecord | undefined>
  /**
   * Stores the record if the version before it is there and the lock is held by `token`, or by nobody if that is undefined; if `unlocks`, gives
   * the lock back too. 'locked': the version may be right, but another holds the lock.
   */
  save(
    key: string,
    record: SessionRecord,
    token: string | undefined,
    unlocks: boolean,
  ): Promise<'saved' | 'conflict' | 'locked'>
  /** Removes at most `most` records with `endsAt <= now` whose lock is free; resolves to how many. */
  purge(now: number, most: number): Promise<number>
  /** The records whose keys begin with `keyPrefix`, page by page. */
  list(keyPrefix: string): AsyncIterable<readonly [key: string, record: SessionRecord]>
}

export interface LockAnswer {
  /** The token that holds the lock now; another's: it was not free. */
  readonly holder: string
  /** Undefined where there is none, and where the lock is another's. */
  readonly record: SessionRecord | undefined
}
