import type { SessionLoader } from './loader.ts'
import { fileLoaderAt } from './loaders/file.ts'
import { MemoryLoader } from './loaders/memory.ts'

/** What PSOSessionLoader says, its path resolved. */
export type LoaderSpec = { readonly type: 'file'; readonly directory: string } | { readonly type: 'memory' }

const memory = new MemoryLoader()

/** The loader of a specification: one for each directory, and one memory a process. */
export const openLoader = (spec: LoaderSpec): SessionLoader =>
  spec.type === 'memory' ? memory : fileLoaderAt(spec.directory)
