import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { HandlerRef, Level, Merged } from '../directives/index.ts'
import { moduleExtensions } from './modules/module-extensions.ts'

/** What answers for a directory: its own handler, or an inherited one. */
export interface DirectoryHandler {
  readonly handlers: readonly HandlerRef[]
  /** Where it was named: `pathInfo` is what follows the URL of this directory. */
  readonly directory: string
  /** Named in the directory itself. */
  readonly own: boolean
}

/**
 * The handler of the deepest directory of the chain (DESIGN 4): the nearest of a PSOHandler line and a `handler.ts` (`.mts .js .mjs`)
 * beside an access file; in one directory the line goes first. `none` ends the search, after `Name =` only files at its level or below
 * count, and a line in a [Files] section beats them all. Looks for the files each time.
 */
export function directoryHandler(merged: Merged): DirectoryHandler | undefined {
  const line = merged.origins.get('PSOHandler')?.at(-1)
  const handlers = merged.directives.PSOHandler
  const deepest = merged.levels.at(-1)?.directory
  const named = (): DirectoryHandler | undefined =>
    handlers === undefined || handlers.length === 0
      ? undefined
      : { handlers, directory: line!.directory, own: line!.directory === deepest }
  if (line?.section !== undefined && !line.reset) return named()
  for (const level of merged.levels.toReversed()) {
    const isNamedHere = line?.directory === level.directory
    if (isNamedHere && !line.reset) return named()
    const file = handlerFile(level)
    if (file !== undefined) return { handlers: [file], directory: level.directory, own: level.directory === deepest }
    if (isNamedHere) return undefined
  }
  return undefined
}

const names = moduleExtensions.filter(extension => extension !== 'cjs').map(extension => `handler.${extension}`)

/** The handler file beside an access file, where AllowOverride lets it run. */
function handlerFile({ directory, accessFile, allows }: Level): HandlerRef | undefined {
  if (accessFile === undefined || !allows.has('Handlers')) return undefined
  const module = names.find(name => statSync(join(directory, name), { throwIfNoEntry: false })?.isFile())
  return module === undefined ? undefined : { module, base: directory, at: { file: accessFile, line: 1 } }
}
