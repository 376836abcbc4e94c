import { join } from 'node:path'
import type { Directives, ServerConfig } from '../directives/index.ts'
import type { LoaderSpec } from '../session/index.ts'

/** Where the directives keep sessions, whole. */
export const loaderSpecOf = (
  { stateDirectory }: Pick<ServerConfig, 'stateDirectory'>,
  { PSOSessionLoader: choice, PSOSessionFileLoader_Path: directory }: Directives,
): LoaderSpec =>
  choice.type === 'file' ? { type: 'file', directory: directory ?? join(stateDirectory, 'sessions') } : choice
