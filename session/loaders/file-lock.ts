import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { opendir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LockQueue, lockTimeout } from '../lock-queue.ts'
import { isDead, type LockOwner, self } from './lock-owner.ts'
import { remembered } from './remembered.ts'

/** Unlocks; a second call does nothing. */
export type Release = () => void

/** How long one process may pass a lock on among its own requests before it lets others try. */
const TURN_MS = 20
const RETRY_MS = 1
/** So long after it was taken a lock is this process's for certain. */
const CERTAIN_MS = 5000
/** How many names of locks are at hand. */
const LOCK_NAMES = 5000
/** Every so many tries the owner is looked at. */
const LOOK_EACH = 4

/**
 * Locks across the processes of one machine: a hard link of a file that names the owner, made beside what it locks. `link` is atomic and
 * makes no inode, and the owner is there with it. A dead owner's lock is taken away under a mutex that the kernel releases.
 * Within the process the requests wait in a queue; only the first of them competes.
 */
export class FileLock {
  readonly #queue = new LockQueue()
  readonly #root: string
  readonly #directory: string
  readonly #ownerFile: string
  /** All in one place, which goes with `rm -r sessions/*` too: its inode is written once in a tick of the clock, those of many directories each time. */
  readonly #lockOf: (path: string) => string
  #hasOwnerFile = false
  /** When this process got each lock that it holds, ms of the monotonic clock. */
  readonly #since = new Map<string, number>()
  /** Called where a directory was missing: whatever was known of its files is void. */
  readonly #onLost: () => void

  constructor(directory: string, onLost: () => void) {
    this.#root = directory
    this.#directory = join(directory, 'locks/')
    this.#ownerFile = `${this.#directory}owner-${self.replaceAll(' ', '-')}`
    this.#lockOf = remembered(LOCK_NAMES, path => this.#directory + path.slice(path.length - 65).replace('/', ''))
    this.#onLost = onLost
  }

  /** True while this process holds the lock of `path`. */
  isHeld(path: string): boolean {
    return this.#since.has(path)
  }

  /** False too where another has taken it: one of another namespace judges by silence (`lock-owner.ts`). Looks only when that may be so. */
  isStillHeld(path: string): boolean {
    const since = this.#since.get(path)
    if (since === undefined) return false
    return performance.now() - since < CERTAIN_MS || ownerIn(this.#lockOf(path)) === self
  }

  /** When this process got the lock of `path`, ms of the monotonic clock; undefined where it has not. */
  heldSince(path: string): number | undefined {
    return this.#since.get(path)
  }

  lock(path: string, waitMs: number): Release | Promise<Release> {
    if (!this.#queue.take(path)) {
      // one wait, whether for this process's own requests or for another's
      const until = performance.now() + waitMs
      return this.#queue.wait(path, waitMs).then(() => this.#compete(path, waitMs, until))
    }
    try {
      if (this.#tryLink(path)) return this.#release(path)
    } catch (error) {
      this.#queue.leave(path)
      throw error
    }
    return this.#compete(path, waitMs, performance.now() + waitMs)
  }

  /** At once, or not at all. */
  tryLock(path: string): Release | undefined {
    if (!this.#queue.take(path)) return undefined
    try {
      if (this.#tryLink(path)) return this.#release(path)
    } catch (error) {
      this.#queue.leave(path)
      throw error
    }
    this.#queue.leave(path)
    return undefined
  }

  /** The first of this process's queue: until the link can be made. */
  async #compete(path: string, waitMs: number, until: number): Promise<Release> {
    try {
      for (let tries = 0; ; tries++) {
        if (this.isHeld(path) || this.#tryLink(path)) return this.#release(path)
        if (tries % LOOK_EACH === 0) await this.#takeFromDead(this.#lockOf(path))
        if (performance.now() > until) throw lockTimeout(waitMs)
        await sleep(RETRY_MS)
      }
    } catch (error) {
      this.#queue.leave(path)
      throw error
    }
  }

  #release(path: string): Release {
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const since = this.#since.get(path) ?? 0
      if (this.#queue.hasWaiting(path) && performance.now() - since < TURN_MS) {
        this.#queue.leave(path)
        return
      }
      const isOurs = this.isStillHeld(path)
      this.#since.delete(path)
      try {
        if (isOurs) unlinkSync(this.#lockOf(path))
      } catch {
        // the directory was removed under us: so was the lock
      }
      // others are waiting perhaps: they get the time of a try before the next request of this process
      if (this.#queue.hasWaiting(path)) setTimeout(() => this.#queue.leave(path), 2 * RETRY_MS)
      else this.#queue.leave(path)
    }
  }

  #tryLink(path: string): boolean {
    for (let time = 0; ; time++) {
      try {
        linkSync(this.#ownerFile, this.#lockOf(path))
        this.#since.set(path, performance.now())
        return true
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EEXIST') return false
        if (code !== 'ENOENT' || time > 1) throw error
        mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
        if (existsSync(this.#ownerFile)) continue
        // this process's first lock; or somebody has removed the directory, and every open file with it
        if (this.#hasOwnerFile) this.#onLost()
        this.#writeOwnerFile()
      }
    }
  }

  /** Whole or not at all: an owner without a name would pass for a dead one. */
  #writeOwnerFile(): void {
    try {
      writeFileSync(this.#ownerFile, self, { mode: 0o600 })
      this.#hasOwnerFile = true
    } catch (error) {
      rmSync(this.#ownerFile, { force: true })
      throw error
    }
  }

  async #takeFromDead(lock: string): Promise<void> {
    if (!isOfDead(lock)) return
    const mutex = await this.mutex('takeover')
    if (mutex === undefined) return
    try {
      // read again: another taker was faster, or the lock is a new one by now
      if (isOfDead(lock)) unlinkSync(lock)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    } finally {
      mutex()
    }
  }

  /** Removes what dead processes have left and nobody will ask for: their locks, and the files that name them. */
  async clear(): Promise<void> {
    if (!existsSync(this.#directory)) return
    for await (const { name } of await opendir(this.#directory)) {
      const file = this.#directory + name
      if (/^[0-9a-f]{64}$/.test(name)) await this.#takeFromDead(file)
      else if (name.startsWith('owner-') && isOfDead(file)) rmSync(file, { force: true })
    }
  }

  /** One process at a time, released by the kernel when that process dies; undefined where another has it. Only Linux has such names. */
  async mutex(purpose: string): Promise<(() => void) | undefined> {
    if (process.platform !== 'linux') return this.#mutexFile(purpose)
    // by what it is, not by its path: another server may know the directory by another one
    const stats = statSync(this.#root, { throwIfNoEntry: false })
    if (stats === undefined) return undefined
    const name = `\0pso-${purpose}-${stats.dev}-${stats.ino}`
    const server = createServer().unref()
    const isMine = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false))
      server.listen({ path: name, exclusive: true }, () => resolve(true))
    })
    return isMine ? () => server.close() : undefined
  }

  /** Elsewhere a file that names its owner: a dead one's is moved aside, and only who moved it goes on. */
  #mutexFile(purpose: string): (() => void) | undefined {
    const file = join(this.#root, `mutex-${purpose}`)
    try {
      writeFileSync(file, self, { flag: 'wx', mode: 0o600 })
      return () => unlinkSync(file)
    } catch {
      try {
        if (isOfDead(file)) renameSync(file, `${file}-${process.pid}`)
      } catch {
        // somebody else was faster
      }
      return undefined
    }
  }

  /** The file of this process; its locks are gone by now. */
  close(): void {
    try {
      unlinkSync(this.#ownerFile)
    } catch {
      // there was none
    }
  }
}

/** A lock, or the file that names a process: one inode, whose time of change is when that process last took a lock or gave one back. */
function isOfDead(file: string): boolean {
  const owner = ownerIn(file)
  return (
    owner !== undefined && isDead(owner, () => Date.now() - (statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0))
  )
}

function ownerIn(file: string): LockOwner | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
