import { statSync } from 'node:fs'
import { DAMAGED_MS, tombstoneOf } from '../life.ts'
import type { Awaitable, LoaderContext, Lock, SessionLoader, SessionRecord, StoredSession } from '../loader.ts'
import { LOCK_WAIT_MS, underLock } from '../lock-queue.ts'
import { report } from '../report.ts'
import { SessionError } from '../session-error.ts'
import { isNobodyElses } from '../session-id.ts'
import { sessionKey, sessionName } from '../session-key.ts'
import { FileLock } from './file-lock.ts'
import { BUSY_MS, DatabaseMissingError, makeDatabaseFile } from './open-database.ts'
import { makeOwnDirectory, unusable } from './own-directory.ts'
import { purgeTable } from './purge-table.ts'
import { remembered } from './remembered.ts'
import { SessionTable } from './session-table.ts'

/** The lock under which the file is made again; no session has this key. */
const MAKING = '0'.repeat(64)
/** How many keys are remembered, some 300 bytes each. */
const KEYS = 5000
/** How long the open file is trusted to be the one of that path, ms of the monotonic clock. */
const TRUSTED_MS = 1000
/** How many rows a list reads at once: no transaction is open while it is gone through. */
const PAGE = 100

/**
 * One SQLite database, in which each session is a row (`open-database.ts`); for one machine, since its processes share memory. Locked by
 * links in a directory beside it (`file-lock.ts`), where the death of a holder is seen at once. Synchronous, without a promise, where nobody
 * else holds the lock. After a failure the database is opened again.
 */
export class SqliteSessionLoader implements SessionLoader {
  readonly path: string
  readonly #lock: FileLock
  readonly #keyOfName = remembered(KEYS, sessionKey)
  #table: SessionTable | undefined
  /** Which file is open, and when it was last seen to be that of the path. */
  #file = ''
  #checkedAt = 0

  constructor(path: string) {
    this.path = path
    this.#lock = new FileLock(this.#locks, () => this.#drop())
  }

  get #locks(): string {
    return `${this.path}.locks`
  }

  load(id: string, context: LoaderContext): SessionRecord | undefined {
    const key = this.#keyOf(id, context)
    return this.#guard('cannot-load', 'the session could not be read', key, table => this.#read(table, key))
  }

  #keyOf(id: string, { serviceId }: LoaderContext): string {
    return this.#keyOfName(sessionName(serviceId, id))
  }

  #read(table: SessionTable, key: string): SessionRecord | undefined {
    const row = table.find(key)
    if (row === undefined || row.record !== undefined) return row?.record
    table.setAside(key, Date.now() + DAMAGED_MS)
    report(`a session in ${this.path} is damaged and was set aside, with the key ${key}.damaged`)
    return undefined
  }

  save(id: string, record: SessionRecord, { serviceId, lock }: LoaderContext): Awaitable<'saved' | 'conflict'> {
    const key = this.#keyOfName(sessionName(serviceId, id))
    // the caller's, not only somebody's in this process
    const isMine = lock !== undefined && this.#lock.isHeld(key)
    const write = (): 'saved' | 'conflict' =>
      this.#guard('cannot-save', 'the session could not be saved', key, table => {
        if (isMine && !this.#lock.isStillHeld(key)) return 'conflict'
        return table.store(key, record) ? 'saved' : 'conflict'
      })
    return isMine || (record.version === 1 && isNobodyElses(id))
      ? write()
      : underLock(this.#lockKey(key, LOCK_WAIT_MS), write)
  }

  lock(id: string, context: LoaderContext, waitMs: number): Awaitable<Lock> {
    return this.#lockKey(this.#keyOf(id, context), waitMs)
  }

  #lockKey(key: string, waitMs: number): Awaitable<Lock> {
    return this.#guard('cannot-lock', 'the session could not be locked', key, () => {
      const lock = this.#lock.lock(key, waitMs)
      if (!(lock instanceof Promise)) return { release: lock }
      return lock.then(
        release => ({ release }),
        error => this.#fail('cannot-lock', 'the session could not be locked', error),
      )
    })
  }

  async *list(keyPrefix = ''): AsyncGenerator<StoredSession> {
    let after = ''
    for (;;) {
      const rows = this.#guard('cannot-load', 'the sessions could not be listed', '', table =>
        table.page(after, keyPrefix, PAGE),
      )
      for (const { key, record } of rows) if (record !== undefined) yield { key, record, end: () => this.#end(key) }
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.key
    }
  }

  #end(key: string): Awaitable<void> {
    return underLock(this.#lockKey(key, LOCK_WAIT_MS), () =>
      this.#guard('cannot-save', 'the session could not be ended', key, table => {
        const record = this.#read(table, key)
        if (record !== undefined && record.ended !== true) table.store(key, tombstoneOf(record, Date.now()))
      }),
    )
  }

  async purge(now: number): Promise<number> {
    const message = 'sessions that are over could not be removed'
    try {
      return await purgeTable(() => this.#guard('cannot-save', message, '', table => table), this.#lock, now)
    } catch (error) {
      return this.#fail('cannot-save', message, error)
    }
  }

  close(): void {
    this.#drop()
    this.#lock.close()
  }

  /** Runs it on the table, which is opened on first use, after a failure, and where the path has another file by now. */
  #guard<Value>(code: FailureCode, message: string, key: string, run: (table: SessionTable) => Value): Value {
    try {
      // reading the clock is expensive: the time of the lock will do
      return run(this.#tableAt(this.#lock.heldSince(key) ?? performance.now()))
    } catch (cause) {
      return this.#fail(code, message, cause)
    }
  }

  #tableAt(now: number): SessionTable {
    if (this.#table !== undefined && now - this.#checkedAt < TRUSTED_MS) return this.#table
    this.#checkedAt = now
    if (this.#table !== undefined && fileOf(this.path) !== this.#file) this.#drop()
    return (this.#table ??= this.#open())
  }

  #open(): SessionTable {
    makeOwnDirectory(this.#locks)
    try {
      makeDatabaseFile(this.path, () => this.#lock.tryLock(MAKING))
      // looked up before it is opened: a file that replaces it meanwhile is noticed
      this.#file = fileOf(this.path)
      return new SessionTable(this.path)
    } catch (cause) {
      throw isPassing(cause) ? cause : unusable(this.path, cause)
    }
  }

  #drop(): void {
    const table = this.#table
    this.#table = undefined
    try {
      table?.close()
    } catch {
      // it had failed before
    }
  }

  /** Names the path: SQLite's messages name no file. */
  #fail(code: FailureCode, message: string, cause: unknown): never {
    if (cause instanceof SessionError) throw cause
    const isBusy = resultOf(cause) === BUSY
    if (!isBusy) this.#drop()
    const reason = isBusy ? `another program has kept it locked for ${BUSY_MS / 1000} s` : (cause as Error).message
    throw new SessionError(code, `${message}, in ${this.path}: ${reason}`, { cause })
  }
}

type FailureCode = 'cannot-load' | 'cannot-save' | 'cannot-lock'

function fileOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? '' : `${stats.dev} ${stats.ino}`
}

/** SQLite's result codes, https://sqlite.org/rescode.html */
const BUSY = 5
/** SQLite's and the system's codes for failures to open that may not happen again: busy, out of memory, I/O, corrupt, full. */
const passing: readonly unknown[] = [BUSY, 7, 10, 11, 13, 'EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT', 'EIO']
const isPassing = (error: unknown): boolean =>
  error instanceof DatabaseMissingError ||
  passing.includes(resultOf(error)) ||
  passing.includes((error as NodeJS.ErrnoException).code)

/** Undefined where the error is not SQLite's. */
function resultOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number }
  return errcode === undefined ? undefined : errcode & 0xff
}
