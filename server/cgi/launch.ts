/** What a worker tells its launcher. */
export type Order = Launch | { readonly end: number } | { readonly pipes: number; readonly paths: readonly string[] }

/** A program to be run; the pipes are FIFOs, by path. */
export interface Launch {
  /** Names the program from here on. */
  readonly id: number
  /** Absolute. */
  readonly file: string
  readonly directory: string
  /** All that the program's environment has. */
  readonly environment: Readonly<Record<string, string>>
  /** Absent: its standard input is empty. */
  readonly stdin?: string
  readonly stdout: string
  readonly stderr: string
}

/** What a launcher tells its worker: that it has opened the pipe of a program's body, and how each program, or order of pipes, ended. */
export type Told = { readonly id: number; readonly hasOpened: true } | Ending

export interface Ending {
  readonly id: number
  /** What ended it, where a signal did. */
  readonly signal?: NodeJS.Signals
  /** Processes of its group are still running. */
  readonly hasLeft?: true
  /** Why it, or a pipe, could not be made. */
  readonly failure?: { readonly code: string; readonly message: string }
}
