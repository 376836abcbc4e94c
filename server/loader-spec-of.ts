import { join } from 'node:path'
import type { Directives, ServerConfig } from '../directives/index.ts'
import type { LoaderSpec } from '../session/index.ts'

/** Where the directives keep sessions, whole; undefined: with a class of the user's, which a module has. */
export function loaderSpecOf(
  { stateDirectory }: Pick<ServerConfig, 'stateDirectory'>,
  { PSOSessionLoader: choice, PSOSessionFileLoader_Path: directory }: Directives,
): LoaderSpec | undefined {
  if (choice.type === 'module') return undefined
  return choice.type === 'file' ? { type: 'file', directory: directory ?? join(stateDirectory, 'sessions') } : choice
}
