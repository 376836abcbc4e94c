import { join } from 'node:path'
import type { Directives, ServerConfig } from '../directives/index.ts'
import type { LoaderSpec } from '../session/index.ts'

/** Where the directives say that sessions are kept, paths resolved; undefined: a class in a user's module keeps them. */
export function loaderSpecOf(
  { stateDirectory }: Pick<ServerConfig, 'stateDirectory'>,
  { PSOSessionLoader: choice, PSOSessionFileLoader_Path: directory }: Directives,
): LoaderSpec | undefined {
  if (choice.type === 'module') return undefined
  return choice.type === 'file' ? { type: 'file', directory: directory ?? join(stateDirectory, 'sessions') } : choice
}
