/** A loader on local files answers at once, a remote one later. */
export type Awaitable<Value> = Value | Promise<Value>

/** What a loader keeps for one session. Times are ms since the epoch. */
export interface SessionRecord {
  readonly serviceId: string
  /** The session's values as `encode` writes them: text that a person can read. */
  readonly data: string
  readonly createdAt: number
  /** When a request last opened it; what `PSOSessionIdle` counts from. */
  readonly usedAt: number
  /** When it is over at the latest, whichever of expiry and idleness comes first; absent: never. */
  readonly endsAt?: number
  /** When its expiry (not idleness) ends it, where it was given one: kept with the record, so that code can set it once. */
  readonly expiresAt?: number
  /** True for a tombstone: the session was ended (logout, regenerate, expiry in code) and its id may not come back. */
  readonly ended?: boolean
  /** What the store had when the record was loaded, raised by one at each save; 0: not stored yet. */
  readonly version: number
}

export interface LoadContext {
  readonly serviceId: string
  /** True where the caller holds the session's lock: nobody else writes. Absent: it does not. */
  readonly isLocked?: boolean
  /** The request, for the loaders of users (`getPath(req, session)`); absent outside a request. */
  readonly req?: unknown
}

/** Unlocks; a second call does nothing. */
export type Release = () => Awaitable<void>

/**
 * Keeps the records of sessions and decides nothing about them: which ids are known, what has ended, what changed and when
 * to lock is `open-session.ts` and `save-session.ts`. `remove`, `newSessionId`, `purge` and `lock` may be absent in a loader
 * of a user's; ours have all. Absent records are `undefined`; every failure is a SessionError.
 */
export interface SessionLoader {
  /** The saved record (a tombstone too), or undefined when there is none. Does not judge whether it has ended. */
  load(id: string, context: LoadContext): Awaitable<SessionRecord | undefined>
  /** Stores the record as version `record.version + 1` if the store still has `record.version`; else stores nothing. */
  save(id: string, record: SessionRecord, context: LoadContext): Awaitable<'saved' | 'conflict'>
  /** Leaves a tombstone; removing what is not there is fine. */
  remove?(id: string, context: LoadContext): Awaitable<void>
  /** A new id that nobody can guess; default: 160 random bits. */
  newSessionId?(context: LoadContext): Awaitable<string>
  /** Removes, in small steps, records with `endsAt <= now`; resolves to how many. */
  purge?(now: number): Awaitable<number>
  /**
   * Waits for the session's lock, across requests and processes, at most `waitMs`, then a SessionError 'lock-timeout'.
   * Fair within a process. Absent: the lock of the state directory is used.
   */
  lock?(id: string, context: LoadContext, waitMs: number): Awaitable<Release>
  /** Closes descriptors and connections; locks that are held stay held until they are released. */
  close?(): Awaitable<void>
}
