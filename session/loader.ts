/** A loader on local files answers at once, a remote one later. */
export type Awaitable<Value> = Value | Promise<Value>

/** What a loader keeps for one session: plain values, which JSON can hold. Times are ms since the epoch. */
export interface SessionRecord {
  readonly serviceId: string
  /** The session's values as `encode` writes them: text that a person can read. */
  readonly data: string
  readonly createdAt: number
  /** When a request last opened it; what `PSOSessionIdle` counts from. */
  readonly usedAt: number
  /** When it is over at the latest, by expiry or idleness, whichever comes first; absent: never. */
  readonly endsAt?: number
  /** When its expiry (not idleness) ends it, where it was given one: kept with the record, so that code can set it once. */
  readonly expiresAt?: number
  /** Whose it is, as `session.label()` said; absent: nobody's. */
  readonly label?: string
  /** True for a tombstone: the session was ended (logout, regenerate, expiry in code) and its id may not come back. */
  readonly ended?: boolean
  /** Counts the saves, from 1. */
  readonly version: number
}

/** The hold on one session: nobody else writes until it is given back. */
export interface Lock {
  /** Gives it back; a second call does nothing. Never fails: a lock that cannot be given back ends by itself. */
  release(): Awaitable<void>
}

/** What a loader is called for. */
export interface LoaderContext {
  readonly serviceId: string
  /** The session's lock, where the caller holds it. */
  readonly lock?: Lock | undefined
  /** True at a save that is the holder's last: a loader may give the lock back with it, in one round trip. `release` is called all the same. */
  readonly isLast?: boolean
  /** The request, for the loaders of users (`getPath(req, session)`); absent outside a request. */
  readonly req?: unknown
}

/**
 * Keeps the records of sessions and decides nothing about them: which ids are known, what has ended, what changed and when
 * to lock is `open-session.ts` and `save-session.ts`. Every failure is a SessionError.
 */
export interface SessionLoader {
  /** The saved record (a tombstone too), or undefined when there is none. Does not judge whether it has ended. */
  load(id: string, context: LoaderContext): Awaitable<SessionRecord | undefined>
  /**
   * Stores the record if the store has the version before it (`record.version - 1`; none for version 1), else stores nothing. A caller
   * without the lock waits for it; one that has lost it gets 'conflict'.
   */
  save(id: string, record: SessionRecord, context: LoaderContext): Awaitable<'saved' | 'conflict'>
  /** Waits for the session's lock at most `waitMs`, then a SessionError 'lock-timeout'. First come, first served within a process. */
  lock(id: string, context: LoaderContext, waitMs: number): Awaitable<Lock>
  /** Removes, in small steps and in one process at a time, records with `endsAt <= now`; resolves to how many. */
  purge(now: number): Awaitable<number>
  /** Tries the store before it is needed, so that whoever starts the server hears what is wrong with it (`report.ts`). Never fails. */
  connect?(): Promise<void>
  /** A new id that nobody can guess; absent: 160 random bits. */
  newSessionId?(context: LoaderContext): Awaitable<string>
  /** What is stored, in no order, with tombstones; only keys that begin with `keyPrefix`. Absent where it cannot be listed. */
  list?(keyPrefix?: string): AsyncIterable<StoredSession>
  /** Closes descriptors and connections; locks that are held stay held until they are released. */
  close?(): Awaitable<void>
}

/** A session as an administrator sees it: without its id, which would give the session to whoever reads it. */
export interface StoredSession {
  /** `sessionKey` of its service and id. */
  readonly key: string
  readonly record: SessionRecord
  /** Ends it, as a logout does. */
  end(): Awaitable<void>
}
