/** How long a lock is its holder's after the last sign of life, ms; a holder gives one each quarter of it. */
export const LEASE_MS = 8000

interface LastSign {
  readonly sign: string
  /** When it was seen first, ms of this process's monotonic clock. */
  readonly at: number
}

/**
 * The leases of holders whose processes cannot be seen from here. A lease is over when the same sign has been seen for its whole length, by
 * the clock of whoever looks: no two clocks are compared, and none that can be set. Looks may be rare, for no two signs are the same.
 */
export class Leases {
  readonly #signs = new Map<string, LastSign>()
  readonly #clock: () => number

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** `sign` was found at `file` by a look that began at `lookedAt`. */
  isOver(file: string, sign: string, lookedAt: number): boolean {
    const last = this.#signs.get(file)
    if (last?.sign === sign) return lookedAt - last.at >= LEASE_MS
    // counted from the end of the look: this process may have been stopped in it
    this.#signs.set(file, { sign, at: this.#clock() })
    return false
  }

  forget(file: string): void {
    this.#signs.delete(file)
  }

  /** Forgets all other files. */
  keep(files: ReadonlySet<string>): void {
    for (const file of this.#signs.keys()) if (!files.has(file)) this.#signs.delete(file)
  }
}
