import { statSync } from 'node:fs'
import type { HandlerRef, Merged } from '../directives/index.ts'
export interface DirectoryHandler { readonly handlers: readonly HandlerRef[]; readonly directory: string; readonly own: boolean }
export function directoryHandler(merged: Merged): DirectoryHandler | undefined {
  const last = merged.origins.get('PSOHandler')?.at(-1)
  const deepest = merged.levels.at(-1)?.directory
  for (const level of merged.levels.toReversed()) {
    if (last?.directory === level.directory && !last.reset && !last.section) {
      const h = merged.directives.PSOHandler ?? []
      return h.length ? { handlers: h, directory: level.directory, own: level.directory === deepest } : undefined
    }
    if (level.accessFile && level.allows.has('Handlers'))
      for (const e of ['ts', 'mts', 'js', 'mjs']) { const f = `${level.directory}/handler.${e}`; if (statSync(f, { throwIfNoEntry: false })?.isFile()) return { handlers: [{ module: f, base: level.directory, at: { file: level.accessFile, line: 1 } }], directory: level.directory, own: level.directory === deepest } }
    if (last?.directory === level.directory) return undefined
  }
  return undefined
}
