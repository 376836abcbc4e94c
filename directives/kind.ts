import type { Position } from './position.ts'

/** Where a value is being read, for the kinds whose value depends on it (paths and modules are relative to the file). */
export interface ValueContext {
  readonly at: Position
  /** The directory that paths in this file are relative to: the server root for server.ini, else the file's own. */
  readonly base: string
  /** `StateDirectory`, absolute: paths given for writing are relative to it. */
  readonly stateDirectory: string
  /** The document root, absolute: a path for writing must not lie inside it. */
  readonly documentRoot: string
  /** `AccessFileName`: no path for writing may end in one; absent: `.psoaccess`. */
  readonly accessFileNames?: readonly string[]
  /** The environment that `PassEnv` takes from; in a .psoaccess only what `ExposeEnv` lists. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * The type of a directive's value.
 * `parse` throws a plain Error whose message starts with "expected" and ends with what was there (`expected on or off,
 * got "yes"`); it knows neither its directive nor, apart from the context, its place. A value the code does not serve yet
 * is a `NotBuiltError`.
 */
export interface Kind<Value> {
  /** The arguments as the reference shows them: `on | off`, `SECONDS | EXPRESSION | HTTP-DATE`. */
  readonly syntax: string
  parse(words: readonly string[], context: ValueContext): Value
  /** The value as it could be written after `=`; passwords in URLs are replaced by `***`. */
  show(value: Value): string
  /** The users' modules that a value names; absent: it cannot name any. */
  modules?(value: Value): readonly ModuleRef[]
}

/** A user's module, as a line of a file names it. */
export interface ModuleRef {
  /** As written; `pso` is the package. */
  readonly module: string
  /** Absolute: the directory that it is relative to, that of the file. */
  readonly base: string
  readonly at: Position
}

/** A value that is right by the contract, but that this version does not serve: an error at its line, never ignored. */
export class NotBuiltError extends Error {
  constructor(what: string) {
    super(`${what} is not built yet`)
    this.name = 'NotBuiltError'
  }
}
