import { closeSync, fstatSync, readFileSync } from 'node:fs'

/** How long a descriptor is trusted to be that of a file that still has a name, ms of the monotonic clock. */
const TRUSTED_MS = 30_000

interface OpenFile {
  readonly fd: number
  checkedAt: number
}

/**
 * The descriptors that all file loaders of this process keep open, by path. Never more than a quarter of what the process may have: the
 * rest is for connections, logs and what handlers open.
 */
export class OpenFiles {
  /** The longest open first. */
  readonly #files = new Map<string, OpenFile>()
  readonly #most: number

  constructor(most: number = Math.max(16, Math.min(2000, Math.floor(descriptorLimit() / 4)))) {
    this.#most = most
  }

  get size(): number {
    return this.#files.size
  }

  get(path: string): number | undefined {
    return this.#files.get(path)?.fd
  }

  /**
   * The descriptor, unless its file was deleted under us, which is found out only after a while: on a file system with fine time stamps each
   * look makes the next write several times as expensive. `now` in ms of the monotonic clock.
   */
  getNamed(path: string, now: number): number | undefined {
    const file = this.#files.get(path)
    if (file === undefined || now - file.checkedAt < TRUSTED_MS) return file?.fd
    if (fstatSync(file.fd).nlink === 0) {
      this.close(path)
      return undefined
    }
    file.checkedAt = now
    return file.fd
  }

  keep(path: string, fd: number): number {
    if (this.#files.size >= this.#most) this.close(this.#files.keys().next().value!)
    this.#files.set(path, { fd, checkedAt: performance.now() })
    return fd
  }

  close(path: string): void {
    const file = this.#files.get(path)
    if (file === undefined) return
    this.#files.delete(path)
    closeSync(file.fd)
  }

  closeAll(): void {
    for (const { fd } of this.#files.values()) closeSync(fd)
    this.#files.clear()
  }
}

/** How many descriptors this process may have; 1024 where nobody says. */
function descriptorLimit(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 1024)
  } catch {
    return 1024
  }
}
