import { type Problem, uniqueProblems } from './problem.ts'
import { type ServerConfigOptions, serverProblems, tryServerConfig } from './server-config.ts'
import { variantsBelow } from './variants-below.ts'
import { wholeProblems } from './whole-problems.ts'

/** Every problem of server.ini and of every access file below its document root, by file and line; warnings too. */
export function check(options: ServerConfigOptions): Problem[] {
  const { config, errors } = tryServerConfig(options)
  // what a start without --workers makes of it depends on the machine
  const workers = config.directives.Workers ?? 1
  const found = variantsBelow(config).flatMap(({ problems, variants }) => [
    ...problems,
    ...variants.flatMap(merged => wholeProblems(merged, workers)),
  ])
  const all = [...errors, ...config.warnings, ...serverProblems(config, workers), ...found]
  return uniqueProblems(all).sort(byPlace)
}

const byPlace = ({ at: a }: Problem, { at: b }: Problem): number =>
  a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1
