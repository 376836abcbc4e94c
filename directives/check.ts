import { dirname } from 'node:path'
import { findFiles } from './find-files.ts'
import { isForcedId } from './forced-id.ts'
import { createConfigStore } from './load.ts'
import type { Problem } from './problem.ts'
import { type ServerConfigOptions, tryServerConfig } from './server-config.ts'

/** Every problem of server.ini and of every access file below its document root, by file and line; warnings too. */
export function check(options: ServerConfigOptions): Problem[] {
  const { config, errors } = tryServerConfig(options)
  const store = createConfigStore(config, { now: () => 0, recheckMs: 1 })
  const files = findFiles(config.documentRoot, config.directives.AccessFileName)
  const directories = new Set(files.map(file => dirname(file)))
  const found = [...directories].flatMap(directory => {
    const merged = store.configOf({ directory, name: undefined, path: '/' })
    const unknown = merged.unknown.filter(line => !isForcedId(line, merged)).map(({ problem }) => problem)
    return [...store.problemsOf(directory), ...merged.problems, ...unknown]
  })
  // a file's problems are those of every directory below it as well
  return [...new Set([...errors, ...config.warnings, ...found])].sort(byPlace)
}

const byPlace = ({ at: a }: Problem, { at: b }: Problem): number =>
  a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1
