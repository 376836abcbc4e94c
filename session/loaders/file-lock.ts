import {
  closeSync,
  existsSync,
  fstatSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LockQueue, lockTimeout } from '../lock-queue.ts'
import { fileMutex } from './file-mutex.ts'
import { LEASE_MS, Leases } from './leases.ts'
import { type LockOwner, self, stateOf } from './lock-owner.ts'
import { remembered } from './remembered.ts'

/** Unlocks; a second call does nothing. */
export type Release = () => void

/** How long one process may pass a lock on among its own requests before it lets others try. */
const TURN_MS = 20
const RETRY_MS = 1
/** For so long after it was taken or renewed, a lock is this process's for certain: half of the lease is left for what is begun then. */
const CERTAIN_MS = LEASE_MS / 2
const RENEW_MS = LEASE_MS / 4
/** How long a holder that wakes up late waits for a takeover that is under way, which takes less than 1 ms. */
const MUTEX_MS = 100
/** How often the directory is made again for one lock, if somebody removes it each time. */
const DIRECTORY_TIMES = 10
/** How many names of locks are remembered. */
const LOCK_NAMES = 5000
/** The owner is looked at once in so many tries. */
const LOOK_EACH = 4

interface FileLockOptions {
  /** Makes the name of a lock, 64 hexadecimal digits, from the path that callers give; absent: that is the name. */
  readonly nameOf?: (path: string) => string
  /** Who takes the locks; absent: this process. */
  readonly owner?: LockOwner
  /** Monotonic, in ms; absent: that of this process. */
  readonly clock?: () => number
}

/**
 * Locks across processes, in containers and on machines that share the directory too: a hard link of a file that names the owner, made
 * under the lock's name. `link` is atomic and makes no inode, and the owner is there with it. Within the process the requests wait in a
 * queue; only the first of them competes.
 *
 * A dead owner's lock is taken away by whoever waits for it. Where the owner's process can be seen, its death is certain at once
 * (`lock-owner.ts`), and it may be stopped for as long as it likes. All other owners have a lease (`leases.ts`), which each taking of a lock
 * and each renewal begins anew: all links are one inode, whose times that changes.
 *
 * Why no two hold a lock. A lock that is held ends in two ways only: its holder gives it back, or a taker removes it. Takers look and remove
 * under a mutex (`file-mutex.ts`), so that none removes what another has got meanwhile. A holder that has given no sign for half a lease is
 * not certain of its lock any more: it renews or removes it only under that mutex too, after looking whether the lock is still its own
 * (`isStillHeld`); and a holder that is certain cannot be taken for dead. So a holder that was stopped and wakes up finds its lock, or finds
 * it lost and writes nothing. What remains: a holder that is stopped for half a lease between its look and the next step, while the other
 * half has passed for the taker; directories on a file system without fcntl locks, which SQLite cannot use either; and directories that
 * are removed while a lock is held, with the sessions in them.
 */
export class FileLock {
  readonly #queue = new LockQueue()
  readonly #root: string
  readonly #directory: string
  readonly #owner: LockOwner
  readonly #ownerFile: string
  readonly #clock: () => number
  readonly #leases: Leases
  /** All locks are in one directory, which `rm -r sessions/*` removes too: its inode is written once per clock tick, those of many directories each time. */
  readonly #lockOf: (path: string) => string
  #hasOwnerFile = false
  /** When each lock that this process holds was taken or last renewed, ms of the clock. */
  readonly #since = new Map<string, number>()
  #renewing: NodeJS.Timeout | undefined
  /** Called where a directory was removed: what was known of its files is void. */
  readonly #onLost: () => void

  constructor(
    directory: string,
    onLost: () => void,
    { nameOf = path => path, owner = self, clock = () => performance.now() }: FileLockOptions = {},
  ) {
    this.#root = directory
    this.#directory = join(directory, 'locks/')
    this.#owner = owner
    this.#ownerFile = `${this.#directory}owner-${owner.replaceAll(' ', '-')}`
    this.#clock = clock
    this.#leases = new Leases(clock)
    this.#lockOf = remembered(LOCK_NAMES, path => this.#directory + nameOf(path))
    this.#onLost = onLost
  }

  /** True while this process holds the lock of `path`. */
  isHeld(path: string): boolean {
    return this.#since.has(path)
  }

  /** False too where another has taken it, after a lease without a sign. Looks only when that may be so, and then renews the lease. */
  isStillHeld(path: string): boolean {
    return this.#isCertain(path) || this.#renew(path, MUTEX_MS) === true
  }

  #isCertain(path: string): boolean {
    const since = this.#since.get(path)
    return since !== undefined && this.#clock() - since < CERTAIN_MS
  }

  /** When this process got the lock of `path`, or renewed its lease, ms of the monotonic clock; undefined where it does not hold it. */
  heldSince(path: string): number | undefined {
    return this.#since.get(path)
  }

  lock(path: string, waitMs: number): Release | Promise<Release> {
    if (!this.#queue.take(path)) {
      // one deadline for both waits: for this process's own requests, then for other processes
      const until = this.#clock() + waitMs
      return this.#queue.wait(path, waitMs).then(() => this.#compete(path, waitMs, until))
    }
    try {
      if (this.#tryLink(path)) return this.#release(path)
    } catch (error) {
      this.#queue.leave(path)
      throw error
    }
    return this.#compete(path, waitMs, this.#clock() + waitMs)
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

  /** For the first of this process's queue: tries until the link can be made. */
  async #compete(path: string, waitMs: number, until: number): Promise<Release> {
    try {
      for (let tries = 0; ; tries++) {
        if (this.isHeld(path) || this.#tryLink(path)) {
          this.#leases.forget(this.#lockOf(path))
          return this.#release(path)
        }
        if (tries % LOOK_EACH === 0) this.#takeFromDead(this.#lockOf(path))
        if (this.#clock() > until) throw lockTimeout(waitMs)
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
      if (this.#queue.hasWaiting(path) && this.#clock() - since < TURN_MS) this.#queue.leave(path)
      else this.#giveBack(path)
    }
  }

  #giveBack(path: string): void {
    if (!this.#unlink(path)) {
      // a lock left behind would keep everybody out for as long as this process lives
      setTimeout(() => this.#giveBack(path), RENEW_MS).unref()
      return
    }
    this.#since.delete(path)
    // others are waiting perhaps: they get the time of a try before the next request of this process
    if (this.#queue.hasWaiting(path)) setTimeout(() => this.#queue.leave(path), 2 * RETRY_MS)
    else this.#queue.leave(path)
  }

  /** False where it cannot be done now. */
  #unlink(path: string): boolean {
    try {
      const isOurs = this.#isCertain(path) || this.#renew(path, MUTEX_MS)
      if (isOurs === true) unlinkSync(this.#lockOf(path))
      return isOurs !== undefined
    } catch (error) {
      // the directory was removed under us: so was the lock
      return (error as NodeJS.ErrnoException).code === 'ENOENT'
    }
  }

  #tryLink(path: string): boolean {
    for (let time = 1; ; time++) {
      // before the link: this process may be stopped behind it
      const now = this.#clock()
      try {
        linkSync(this.#ownerFile, this.#lockOf(path))
        this.#since.set(path, now)
        this.#renewing ??= setInterval(() => this.renew(), RENEW_MS).unref()
        return true
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EEXIST') return false
        if (code !== 'ENOENT' || time >= DIRECTORY_TIMES) throw error
        this.#makeDirectory()
      }
    }
  }

  /** Makes it, with the file of this process in it; does nothing if somebody removes it at this moment. */
  #makeDirectory(): void {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
      if (existsSync(this.#ownerFile)) return
      // this process's first lock; or somebody has removed the directory, and every open file with it
      if (this.#hasOwnerFile) this.#onLost()
      writeFileSync(this.#ownerFile, this.#owner, { mode: 0o600 })
      this.#hasOwnerFile = true
    } catch (error) {
      // whole or not at all: without its name an owner could not be seen to be dead
      rmSync(this.#ownerFile, { force: true })
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  /** Renews the leases of the locks that are held for long; those of others began just now. Each `RENEW_MS` while there are any. */
  renew(): void {
    if (this.#since.size === 0) {
      clearInterval(this.#renewing)
      this.#renewing = undefined
    }
    const now = this.#clock()
    for (const [path, since] of this.#since) {
      try {
        if (now - since >= RENEW_MS / 2) this.#renew(path, 0)
      } catch {
        // the next write under the lock will fail
      }
    }
  }

  /** True where the lock is still this process's, and then certain from now on; undefined where a takeover takes longer than `mutexMs`. */
  #renew(path: string, mutexMs: number): boolean | undefined {
    const since = this.#since.get(path)
    if (since === undefined || !existsSync(this.#root)) return false
    const now = this.#clock()
    const mutex = now - since < CERTAIN_MS ? () => {} : this.#mutex('takeover', mutexMs)
    if (mutex === undefined) return undefined
    try {
      const isOurs = inFile(this.#lockOf(path), (fd, owner) => {
        if (owner !== this.#owner) return false
        // that it changes is what counts, not to what
        const time = Date.now() / 1000
        futimesSync(fd, time, time)
        return true
      })
      if (isOurs === true) this.#since.set(path, now)
      return isOurs ?? false
    } finally {
      mutex()
    }
  }

  #takeFromDead(file: string): void {
    if (!this.#isOfDead(file)) return
    const mutex = this.#mutex('takeover', 0)
    if (mutex === undefined) return
    try {
      // read again: another taker was faster, or the owner has given a sign
      if (this.#isOfDead(file)) unlinkSync(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    } finally {
      mutex()
    }
  }

  /** `file`: a lock, or the file that names a process. False where nothing is known of its owner. */
  #isOfDead(file: string): boolean {
    const now = this.#clock()
    try {
      return (
        inFile(file, (fd, owner) => {
          const state = stateOf(owner, this.#owner)
          if (state !== 'unseen') return state === 'dead'
          const { ino, ctimeNs, mtimeNs } = fstatSync(fd, { bigint: true })
          return this.#leases.isOver(file, `${ino} ${ctimeNs} ${mtimeNs} ${owner}`, now)
        }) === true
      )
    } catch {
      return false
    }
  }

  /**
   * Removes what dead processes have left and nobody will ask for: their locks, and the files that name them; those with a lease, in a later
   * run than the one that first saw them.
   */
  async clear(): Promise<void> {
    if (!existsSync(this.#directory)) return
    const files = new Set<string>()
    for await (const { name } of await opendir(this.#directory)) {
      if (!/^(?:[0-9a-f]{64}$|owner-)/.test(name)) continue
      const file = this.#directory + name
      files.add(file)
      this.#takeFromDead(file)
    }
    this.#leases.keep(files)
  }

  /** One process at a time, until it gives it back or dies; undefined where another has it, or there is no directory. */
  mutex(purpose: string): (() => void) | undefined {
    return this.#mutex(purpose, 0)
  }

  #mutex(purpose: string, waitMs: number): (() => void) | undefined {
    return existsSync(this.#root) ? fileMutex(join(this.#root, `mutex-${purpose}`), waitMs) : undefined
  }

  /** Removes the file of this process; its locks are gone by now. */
  close(): void {
    try {
      unlinkSync(this.#ownerFile)
    } catch {
      // there was none
    }
  }
}

/** Opens the file each time, for that is when a network file system asks its server. Undefined where it is gone. */
function inFile<Value>(file: string, look: (fd: number, owner: LockOwner) => Value): Value | undefined {
  let fd: number | undefined
  try {
    fd = openSync(file, 'r')
    return look(fd, readFileSync(fd, 'utf8'))
  } catch (error) {
    // ESTALE: a network file system's word for a file that was removed elsewhere
    if (['ENOENT', 'ESTALE'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
