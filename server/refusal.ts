/** A URL is refused: neither a failure nor an answer of a handler. The message is for the log alone. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'Refusal'
    this.status = status
  }
}
