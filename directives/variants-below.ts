import { dirname } from 'node:path'
import { createConfigStore } from './config-store.ts'
import { findFiles } from './find-files.ts'
import type { Merged } from './merged.ts'
import type { Problem } from './problem.ts'
import { rootsOf } from './roots.ts'
import type { ServerConfig } from './server-config.ts'

/** A directory that has an access file: all that is wrong with the file itself, and what holds there, without and with each of its sections. */
export interface DirectoryVariants {
  readonly problems: readonly Problem[]
  readonly variants: readonly Merged[]
}

/** Those of every access file at or below the document root and the ScriptAlias directories, whether or not a request was ever there. */
export function variantsBelow(config: ServerConfig): DirectoryVariants[] {
  const store = createConfigStore(config, { now: () => 0, recheckMs: 1 })
  const files = rootsOf(config).flatMap(root => findFiles(root, config.directives.AccessFileName))
  return [...new Set(files.map(file => dirname(file)))].map(directory => ({
    problems: store.problemsOf(directory),
    variants: store.variantsOf(directory),
  }))
}
