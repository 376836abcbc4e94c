import { closeSync, constants, mkdirSync, openSync, renameSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { tombstoneOf } from '../life.ts'
import type { Awaitable, LoaderContext, Lock, SessionLoader, SessionRecord, StoredSession } from '../loader.ts'
import { LOCK_WAIT_MS, released, underLock } from '../lock-queue.ts'
import { report } from '../report.ts'
import { SessionError } from '../session-error.ts'
import { isNobodyElses } from '../session-id.ts'
import { sessionKey, sessionName } from '../session-key.ts'
import { FileLock, type Release } from './file-lock.ts'
import { OpenFiles } from './open-files.ts'
import { makeOwnDirectory } from './own-directory.ts'
import { purgeFiles } from './purge-files.ts'
import { remembered } from './remembered.ts'
import { keyOfFile, sessionFile, sessionFiles } from './session-files.ts'
import { type Found, readRecord, writeRecord } from './slots.ts'

const { O_RDWR, O_CREAT, O_EXCL } = constants
/** Without it each read after a write would write the access time. Only Linux has it, and only for a file's owner. */
const NO_ACCESS_TIME = constants.O_NOATIME ?? 0
/** How many paths are remembered, some 300 bytes each. */
const PATHS = 5000
/** How often a reader without the lock looks again at what another is writing. */
const LOOKS = 20

const open = new OpenFiles()

/**
 * One file a session, named by a hash of service and id, in 256 subdirectories; read and written in place (`slots.ts`), locked by a
 * link in the same directory (`file-lock.ts`). Synchronous, without a promise, where nobody else holds the lock. Without fsync: what was
 * saved survives the death of the process, not that of the machine.
 */
export class FileSessionLoader implements SessionLoader {
  readonly directory: string
  readonly #lock: FileLock
  /** The file of a service and id. The same text each time, so that the tables by path find it at once. */
  readonly #pathOfName: (name: string) => string
  /** The version that was loaded or saved under the lock, by path: nobody else can have written since. */
  readonly #seen = new Map<string, number>()
  /** Files whose lost update was reported, until they are written again. */
  readonly #reported = new Set<string>()
  #isPrepared = false

  constructor(directory: string) {
    this.directory = directory
    this.#lock = new FileLock(directory, () => this.#lost(), { nameOf: keyOfFile })
    this.#pathOfName = remembered(PATHS, name => sessionFile(directory, sessionKey(name)))
  }

  load(id: string, context: LoaderContext): SessionRecord | undefined {
    const path = this.#pathOfName(sessionName(context.serviceId, id))
    return this.#guard('cannot-load', 'the session could not be read', () =>
      this.#read(path, this.#isMine(path, context)),
    )
  }

  /** True where the caller holds the lock of that path, not only somebody in this process. */
  #isMine(path: string, { lock }: LoaderContext): boolean {
    return lock !== undefined && this.#lock.isHeld(path)
  }

  #read(path: string, isMine: boolean): SessionRecord | undefined {
    // reading the clock is expensive: the time of the lock will do
    const kept = open.getNamed(path, this.#lock.heldSince(path) ?? performance.now())
    const fd = kept ?? this.#fdOf(path)
    if (fd === undefined) return undefined
    const found = readRecord(fd)
    const { record } = found
    if (kept !== undefined && record?.ended === true) {
      // a purge ends a record before it removes the file: there may be another file by now, or none
      open.close(path)
      return this.#read(path, isMine)
    }
    if (isMine && record !== undefined) this.#seen.set(path, record.version)
    if (!found.isDamaged) return record
    return isMine ? this.#damaged(path, found) : this.#readAgain(path, fd)
  }

  /** Without the lock, what looks damaged may be another's write, half done. */
  #readAgain(path: string, fd: number): SessionRecord | undefined {
    let found: Found
    for (let look = 0; look < LOOKS; look++) {
      found = readRecord(fd)
      if (!found.isDamaged) return found.record
    }
    const unlock = this.#lock.tryLock(path)
    if (unlock !== undefined) return released(this.#holdOf(path, unlock), () => this.#read(path, true))
    if (found!.record !== undefined) return found!.record
    throw new Error(`${path} is being written`)
  }

  /** Under the lock nobody is writing, so it is damage. A file without a whole slot is set aside, and its visitor gets a fresh session. */
  #damaged(path: string, { record }: Found): SessionRecord | undefined {
    if (record !== undefined) {
      if (!this.#reported.has(path)) report(`the session file ${path} has lost its last update to damage`)
      this.#reported.add(path)
      return record
    }
    open.close(path)
    renameSync(path, `${path}.damaged`)
    report(`the session file ${path} is damaged and was set aside`)
    return undefined
  }

  save(id: string, record: SessionRecord, context: LoaderContext): Awaitable<'saved' | 'conflict'> {
    const path = this.#pathOfName(sessionName(context.serviceId, id))
    const isMine = this.#isMine(path, context)
    const write = (): 'saved' | 'conflict' =>
      this.#guard('cannot-save', 'the session could not be saved', () => this.#write(path, record, isMine))
    // without a lock of its own the comparison and the write would not be one step
    return isMine || (record.version === 1 && isNobodyElses(id)) ? write() : this.#locked(path, write)
  }

  #write(path: string, record: SessionRecord, isMine: boolean): 'saved' | 'conflict' {
    if (isMine && !this.#lock.isStillHeld(path)) return 'conflict'
    const known = this.#fdOf(path)
    if (known === undefined && record.version > 1) return 'conflict'
    const fd = known ?? this.#create(path)
    const before = record.version - 1
    const isSeen = isMine && this.#seen.get(path) === before
    if (!isSeen && (readRecord(fd).record?.version ?? 0) !== before) return 'conflict'
    this.#seen.delete(path)
    try {
      writeRecord(fd, record)
    } catch (error) {
      // leave no empty file: on a full disk each of them would take up room
      if (known === undefined) this.#discard(path)
      throw error
    }
    if (this.#reported.size > 0) this.#reported.delete(path)
    if (isMine) this.#seen.set(path, record.version)
    return 'saved'
  }

  /** Runs it under a lock of its own. */
  #locked<Value>(path: string, run: () => Value): Awaitable<Value> {
    return underLock(this.#lockPath(path, LOCK_WAIT_MS), run)
  }

  lock(id: string, context: LoaderContext, waitMs: number): Awaitable<Lock> {
    return this.#lockPath(this.#pathOfName(sessionName(context.serviceId, id)), waitMs)
  }

  #lockPath(path: string, waitMs: number): Awaitable<Lock> {
    const message = 'the session could not be locked'
    return this.#guard('cannot-lock', message, () => {
      const lock = this.#lock.lock(path, waitMs)
      if (!(lock instanceof Promise)) return this.#holdOf(path, lock)
      return lock.then(
        release => this.#holdOf(path, release),
        error => this.#fail('cannot-lock', message, error),
      )
    })
  }

  #holdOf(path: string, unlock: Release): Lock {
    this.#seen.delete(path)
    return {
      release: () => {
        this.#seen.delete(path)
        unlock()
      },
    }
  }

  async *list(keyPrefix = ''): AsyncGenerator<StoredSession> {
    this.#guard('cannot-load', 'the sessions could not be listed', () => {})
    for await (const path of sessionFiles(this.directory, keyPrefix)) {
      if (path.endsWith('.damaged')) continue
      const record = this.#guard('cannot-load', 'the session could not be read', () => this.#peek(path))
      if (record !== undefined) yield { key: keyOfFile(path), record, end: () => this.#end(path) }
    }
  }

  /** Reads without keeping the file open: a list would take all descriptors. Undefined also for what a purge has removed since it was found. */
  #peek(path: string): SessionRecord | undefined {
    let fd: number | undefined
    try {
      fd = openSync(path, constants.O_RDONLY)
      return readRecord(fd).record
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  #end(path: string): Awaitable<void> {
    return this.#locked(path, () =>
      this.#guard('cannot-save', 'the session could not be ended', () => {
        const record = this.#read(path, true)
        if (record !== undefined && record.ended !== true) this.#write(path, tombstoneOf(record, Date.now()), true)
      }),
    )
  }

  purge(now: number): Promise<number> {
    return purgeFiles(this.directory, this.#lock, open, now)
  }

  close(): void {
    this.#lost()
    this.#lock.close()
  }

  /** The open file of a session; undefined where there is none. The next lock finds out if the directory was removed under us. */
  #fdOf(path: string): number | undefined {
    const known = open.get(path)
    if (known !== undefined) return known
    try {
      return open.keep(path, openSync(path, O_RDWR | NO_ACCESS_TIME))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #create(path: string): number {
    for (let time = 0; ; time++) {
      try {
        return open.keep(path, openSync(path, O_RDWR | O_CREAT | O_EXCL | NO_ACCESS_TIME, 0o600))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (time > 1 || (code !== 'ENOENT' && code !== 'EEXIST')) throw error
        if (code === 'ENOENT') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
        // another process was faster: we use its file
        const made = this.#fdOf(path)
        if (made !== undefined) return made
      }
    }
  }

  #discard(path: string): void {
    open.close(path)
    try {
      unlinkSync(path)
    } catch {
      // the directory was removed under us
    }
  }

  #lost(): void {
    open.closeAll()
    this.#isPrepared = false
  }

  /** Makes the directory with mode 0700 on first use; the error of one that cannot be used names its path. */
  #prepare(): void {
    if (this.#isPrepared) return
    makeOwnDirectory(this.directory)
    this.#isPrepared = true
  }

  #guard<Value>(code: FailureCode, message: string, run: () => Value): Value {
    try {
      this.#prepare()
      try {
        return run()
      } catch (error) {
        // deleted files take descriptors and room for as long as they are open here
        if (open.size === 0 || !isShortage(error)) throw error
        open.closeAll()
        return run()
      }
    } catch (cause) {
      return this.#fail(code, message, cause)
    }
  }

  /** Names the directory: the message of a failed write names no file. */
  #fail(code: FailureCode, message: string, cause: unknown): never {
    if (cause instanceof SessionError) throw cause
    throw new SessionError(code, `${message}, in ${this.directory}: ${(cause as Error).message}`, { cause })
  }
}

type FailureCode = 'cannot-load' | 'cannot-save' | 'cannot-lock'

const shortages = ['EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT']
const isShortage = (error: unknown): boolean => shortages.includes((error as NodeJS.ErrnoException).code ?? '')
