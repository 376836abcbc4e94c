/** A lock is its holder's for so long after its last sign of life, ms; it gives one each quarter. */
export const LEASE_MS = 8000

interface LastSign {
  readonly sign: string
  /** When it was seen first, ms of this process's monotonic clock. */
  readonly at: number
}

/**
 * The leases of holders that nobody here can see. A lease is over when the same sign was seen for its whole length by the clock of the one
 * who looks: no clock is compared with another's, and none that can be set. Looks may be rare, for a holder never gives a sign twice.
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
