import { hash } from 'node:crypto'
import { closeSync, constants, lstatSync, mkdirSync, openSync, renameSync, unlinkSync } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Awaitable, LoadContext, Release, SessionLoader, SessionRecord } from '../loader.ts'
import { SessionError } from '../session-error.ts'
import { FileLock } from './file-lock.ts'
import { readRecord, writeRecord } from './slots.ts'

const { O_RDWR, O_CREAT, O_EXCL } = constants
/** Else each reading after a writing would write the time of access. Only Linux has it, and for a file's owner. */
const NO_ACCESS_TIME = constants.O_NOATIME ?? 0
const MOST_OPEN = 2000
const TOMBSTONE_MS = 60 * 60 * 1000
const DAMAGED_MS = 7 * 24 * 60 * 60 * 1000
const LOCK_WAIT_MS = 10_000

/** What is said of a file that was found damaged; the path, never the data. */
export type DamageReport = (message: string) => void

const loaders = new Map<string, FileSessionLoader>()
let reportDamage: DamageReport = () => {}

/** Where damaged session files are reported to: the server's log. */
export function onDamage(report: DamageReport): void {
  reportDamage = report
}

/** The loader of a directory, one in a process: locks and open files are shared. */
export function fileLoaderAt(directory: string): FileSessionLoader {
  let loader = loaders.get(directory)
  if (loader === undefined) loaders.set(directory, (loader = new FileSessionLoader(directory)))
  return loader
}

/** Those that have been asked for. */
export const openFileLoaders = (): readonly FileSessionLoader[] => [...loaders.values()]

/** Lets go of all descriptors and of this process's lock files. */
export function closeFileLoaders(): void {
  for (const loader of loaders.values()) loader.close()
  loaders.clear()
}

/**
 * One file a session, named by a hash of service and id, in 256 subdirectories; read and written in place (`slots.ts`), locked by a
 * link beside it (`file-lock.ts`). All of it at once, without a promise, where nobody else holds the lock. Without fsync: what was
 * saved survives the death of the process, not that of the machine.
 */
export class FileSessionLoader implements SessionLoader {
  readonly directory: string
  readonly #lock: FileLock
  /** Descriptors by path, the least used first. */
  readonly #open = new Map<string, number>()
  /** The version that was loaded under the lock which this process holds: nobody else can have written since. */
  readonly #seen = new Map<string, number>()
  readonly #reported = new Set<string>()
  #isPrepared = false
  #lastId: string | undefined
  #lastServiceId: string | undefined
  #lastPath = ''

  constructor(directory: string) {
    this.directory = directory
    this.#lock = new FileLock(directory, () => this.#lost())
  }

  load(id: string, context: LoadContext): SessionRecord | undefined {
    const path = this.#pathOf(id, context)
    return this.#guard('cannot-load', 'the session could not be read', () => this.#read(path))
  }

  #read(path: string): SessionRecord | undefined {
    const isKept = this.#open.has(path)
    const fd = this.#fdOf(path)
    if (fd === undefined) return undefined
    const { record, isDamaged } = readRecord(fd)
    if (isKept && record?.ended === true) {
      // a purge ends a record before it removes the file: there may be another file by now, or none
      this.#forget(path)
      return this.#read(path)
    }
    if (record !== undefined && this.#lock.isHeld(path)) this.#seen.set(path, record.version)
    if (isDamaged)
      this.#reportOnce(
        path,
        record === undefined ? 'is damaged and was set aside' : 'has lost its last update to damage',
      )
    if (record === undefined) this.#setAside(path, isDamaged)
    return record
  }

  save(id: string, record: SessionRecord, context: LoadContext): Awaitable<'saved' | 'conflict'> {
    const path = this.#pathOf(id, context)
    const write = (): 'saved' | 'conflict' =>
      this.#guard('cannot-save', 'the session could not be saved', () => this.#write(path, record))
    if (this.#lock.isHeld(path) || record.version === 0) return write()
    // without a lock of its own the comparison and the write would not be one step
    return locked(this.#lock.lock(path, LOCK_WAIT_MS), write)
  }

  #write(path: string, record: SessionRecord): 'saved' | 'conflict' {
    const fd = record.version === 0 ? this.#create(path) : this.#fdOf(path)
    if (fd === undefined) return 'conflict'
    if (this.#seen.get(path) !== record.version && (readRecord(fd).record?.version ?? 0) !== record.version)
      return 'conflict'
    this.#seen.delete(path)
    writeRecord(fd, record)
    if (this.#lock.isHeld(path)) this.#seen.set(path, record.version + 1)
    return 'saved'
  }

  remove(id: string, context: LoadContext): Awaitable<void> {
    const path = this.#pathOf(id, context)
    const bury = (): void =>
      this.#guard('cannot-save', 'the session could not be ended', () => {
        const fd = this.#fdOf(path)
        const stored = fd === undefined ? undefined : readRecord(fd).record
        if (stored === undefined || stored.ended === true) return
        this.#seen.delete(path)
        writeRecord(fd!, {
          ...stored,
          data: '{}',
          ended: true,
          endsAt: Math.max(Date.now(), stored.usedAt) + TOMBSTONE_MS,
        })
      })
    return this.#lock.isHeld(path) ? bury() : locked(this.#lock.lock(path, LOCK_WAIT_MS), bury)
  }

  lock(id: string, context: LoadContext, waitMs: number): Release | Promise<Release> {
    const path = this.#pathOf(id, context)
    return this.#guard('cannot-lock', 'the session could not be locked', () => {
      const lock = this.#lock.lock(path, waitMs)
      return lock instanceof Promise
        ? lock.then(release => this.#releaseOf(path, release))
        : this.#releaseOf(path, lock)
    })
  }

  #releaseOf(path: string, release: Release): Release {
    this.#seen.delete(path)
    return () => {
      this.#seen.delete(path)
      return release()
    }
  }

  /** Looks at every file, a few at a time; one process at a time does it. */
  async purge(now: number): Promise<number> {
    const mutex = await this.#lock.mutex('purge')
    if (mutex === undefined) return 0
    let removed = 0
    try {
      for await (const path of this.#files()) {
        if (this.#purgeOne(path, now)) removed++
        await new Promise(setImmediate)
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    } finally {
      mutex()
    }
    return removed
  }

  async *#files(): AsyncGenerator<string> {
    for await (const shelf of await opendir(this.directory)) {
      if (!shelf.isDirectory() || !/^[0-9a-f]{2}$/.test(shelf.name)) continue
      for await (const entry of await opendir(join(this.directory, shelf.name)))
        if (entry.isFile() && /^[0-9a-f]{62}(?:\.damaged)?$/.test(entry.name))
          yield join(this.directory, shelf.name, entry.name)
    }
  }

  #purgeOne(path: string, now: number): boolean {
    if (path.endsWith('.damaged')) {
      const old = lstatSync(path, { throwIfNoEntry: false })
      if (old === undefined || now - old.mtimeMs < DAMAGED_MS) return false
      unlinkSync(path)
      return true
    }
    const release = this.#lock.tryLock(path)
    if (release === undefined) return false
    try {
      const fd = openSync(path, 'r+')
      try {
        const { record } = readRecord(fd)
        if (record?.endsAt === undefined || record.endsAt > now) return false
        // whoever has the file open finds it ended, and looks again
        writeRecord(fd, { ...record, data: '{}', ended: true })
      } finally {
        closeSync(fd)
      }
      this.#forget(path)
      unlinkSync(path)
      return true
    } catch {
      return false
    } finally {
      release()
    }
  }

  close(): void {
    this.#lost()
    this.#lock.close()
  }

  /** A request asks three times in a row for the same session. */
  #pathOf(id: string, { serviceId }: LoadContext): string {
    if (id === this.#lastId && serviceId === this.#lastServiceId) return this.#lastPath
    const name = hash('sha256', `${serviceId}\0${id}`, 'hex')
    this.#lastId = id
    this.#lastServiceId = serviceId
    this.#lastPath = `${this.directory}/${name.slice(0, 2)}/${name.slice(2)}`
    return this.#lastPath
  }

  /** The open file of a session, or undefined where there is none. That the directory was removed under us the next lock finds out. */
  #fdOf(path: string): number | undefined {
    // no stat here: on a file system with fine time stamps each one makes the next write several times as dear
    const known = this.#open.get(path)
    if (known !== undefined) return known
    try {
      return this.#keep(path, this.#openFile(path, O_RDWR))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #create(path: string): number {
    const known = this.#fdOf(path)
    if (known !== undefined) return known
    try {
      return this.#keep(path, this.#openFile(path, O_RDWR | O_CREAT | O_EXCL))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      return this.#keep(path, this.#openFile(path, O_RDWR | O_CREAT | O_EXCL))
    }
  }

  /** Out of descriptors: those that are kept open go first. */
  #openFile(path: string, flags: number): number {
    try {
      return openSync(path, flags | NO_ACCESS_TIME, 0o600)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if ((code !== 'EMFILE' && code !== 'ENFILE') || this.#open.size === 0) throw error
      this.#lost()
      return openSync(path, flags | NO_ACCESS_TIME, 0o600)
    }
  }

  #keep(path: string, fd: number): number {
    if (this.#open.size >= MOST_OPEN) this.#forget(this.#open.keys().next().value!)
    this.#open.set(path, fd)
    return fd
  }

  #forget(path: string): void {
    const fd = this.#open.get(path)
    if (fd === undefined) return
    this.#open.delete(path)
    closeSync(fd)
  }

  #lost(): void {
    for (const fd of this.#open.values()) closeSync(fd)
    this.#open.clear()
    this.#isPrepared = false
  }

  /** Makes the directory with mode 0700 on first use; one that cannot be used is said with its path. */
  #prepare(): void {
    if (this.#isPrepared) return
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 })
      const stats = lstatSync(this.directory)
      const uid = process.getuid?.() ?? stats.uid
      if (!stats.isDirectory() && !stats.isSymbolicLink()) throw new Error('it is no directory')
      if (stats.uid !== uid && uid !== 0) throw new Error(`it belongs to user ${stats.uid}`)
    } catch (cause) {
      throw new SessionError('unusable-path', `${this.directory} cannot hold sessions: ${(cause as Error).message}`, {
        cause,
      })
    }
    this.#isPrepared = true
  }

  #guard<Value>(code: 'cannot-load' | 'cannot-save' | 'cannot-lock', message: string, run: () => Value): Value {
    try {
      this.#prepare()
      return run()
    } catch (cause) {
      if (cause instanceof SessionError) throw cause
      throw new SessionError(code, `${message}: ${(cause as Error).message}`, { cause })
    }
  }

  /** A file without a whole slot: out of the way, so that its visitor gets a fresh session; an empty one was never written. */
  #setAside(path: string, isDamaged: boolean): void {
    this.#forget(path)
    if (isDamaged) renameSync(path, `${path}.damaged`)
  }

  #reportOnce(path: string, what: string): void {
    if (this.#reported.has(path)) return
    this.#reported.add(path)
    reportDamage(`the session file ${path} ${what}`)
  }
}

function locked<Value>(lock: Release | Promise<Release>, run: () => Value): Awaitable<Value> {
  if (lock instanceof Promise) return lock.then(release => released(release, run))
  return released(lock, run)
}

function released<Value>(release: Release, run: () => Value): Value {
  try {
    return run()
  } finally {
    void release()
  }
}
