/** Counts the requests that are not over: until the handler has settled, the response has closed and the log phase has run. */
export class UnderWay {
  #count = 0
  #onNone: (() => void) | undefined

  begin(): void {
    this.#count++
  }

  end(): void {
    this.#count--
    if (this.#count === 0) this.#onNone?.()
  }

  /** Resolves to how many are left: when there are none, or after `patienceMs`. */
  async none(patienceMs: number): Promise<number> {
    if (this.#count > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, patienceMs)
        this.#onNone = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#count
  }
}
