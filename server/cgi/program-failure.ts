/** A CGI program that could not be run, or did not answer as one does. The message is one sentence, for the log and the development page. */
export class ProgramFailure extends Error {
  /** 500, or 504 where it was silent for too long. */
  readonly status: number

  constructor(message: string, status = 500, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ProgramFailure'
    this.status = status
  }
}
