import type { SessionLoader } from './loader.ts'
import { fileLoaderAt, openFileLoaders } from './loaders/file.ts'
import { MemoryLoader } from './loaders/memory.ts'

/** What PSOSessionLoader says, its path resolved. */
export type LoaderSpec = { readonly type: 'file'; readonly directory: string } | { readonly type: 'memory' }

const memory = new MemoryLoader()

/** The loader of a specification: one for each directory, and one memory a process. */
export const openLoader = (spec: LoaderSpec): SessionLoader =>
  spec.type === 'memory' ? memory : fileLoaderAt(spec.directory)

/** Removes what is over from all loaders that this process has opened, in small steps; resolves to how many. `now`: ms. */
export async function purgeLoaders(now: number): Promise<number> {
  let removed = 0
  for (const loader of [memory, ...openFileLoaders()]) removed += await loader.purge(now)
  return removed
}
