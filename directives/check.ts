import type { Merged } from './merged.ts'
import { type Problem, uniqueProblems } from './problem.ts'
import { type ServerConfig, type ServerConfigOptions, serverProblems, tryServerConfig } from './server-config.ts'
import { variantsBelow } from './variants-below.ts'
import { wholeProblems } from './whole-problems.ts'

/** Every problem of server.ini and of every access file below its document root, by file and line; warnings too. */
export function check(options: ServerConfigOptions): Problem[] {
  const files = readAll(options)
  return problemsOf(files, files.merged)
}

/** The same, each configuration as `judge` makes it: by what the classes of its modules declare. */
export async function checkWith(
  options: ServerConfigOptions,
  judge: (merged: Merged, server: ServerConfig) => Awaitable<Merged>,
): Promise<Problem[]> {
  const files = readAll(options)
  const merged: Merged[] = []
  // one after the other: the modules of many directories are loaded
  for (const one of files.merged) merged.push(await judge(one, files.config))
  return problemsOf(files, merged)
}

type Awaitable<Value> = Value | Promise<Value>

interface Files {
  readonly config: ServerConfig
  readonly own: readonly Problem[]
  /** Of every directory that has an access file, without sections and with each. */
  readonly merged: readonly Merged[]
}

function readAll(options: ServerConfigOptions): Files {
  const { config, errors } = tryServerConfig(options)
  const below = variantsBelow(config)
  return {
    config,
    own: [...errors, ...config.warnings, ...below.flatMap(({ problems }) => problems)],
    merged: below.flatMap(({ variants }) => variants),
  }
}

function problemsOf({ config, own }: Files, merged: readonly Merged[]): Problem[] {
  // what a start without --workers makes of it depends on the machine
  const workers = config.directives.Workers ?? 1
  const found = merged.flatMap(one => wholeProblems(one, workers))
  return uniqueProblems([...own, ...serverProblems(config, workers), ...found]).sort(byPlace)
}

const byPlace = ({ at: a }: Problem, { at: b }: Problem): number =>
  a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1
