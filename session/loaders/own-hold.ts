import type { Lock } from '../loader.ts'

interface OwnHoldParts {
  /** `sessionName` of the session that is held. */
  readonly name: string
  isHeld(): boolean
  /** False where another may have written since, although nobody has said so. */
  isCertain(): boolean
  release(): Promise<void>
}

/** A lock on one session of a user's loader, and what is known of the record under it. */
export class OwnHold implements Lock {
  readonly name: string
  /** The version that the store has, as long as nobody else can have written; undefined: not known. */
  seen: number | undefined
  readonly #parts: OwnHoldParts
  #isReleased = false

  constructor(parts: OwnHoldParts) {
    this.name = parts.name
    this.#parts = parts
  }

  isHeld(): boolean {
    return !this.#isReleased && this.#parts.isHeld()
  }

  isCertain(): boolean {
    return this.#parts.isCertain()
  }

  async release(): Promise<void> {
    if (this.#isReleased) return
    this.#isReleased = true
    await this.#parts.release()
  }
}
