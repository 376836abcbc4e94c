import { join } from 'node:path'
import type { Directives, Merged, ServerConfig } from '../directives/index.ts'
import { openLoader, openOwnLoader, type SessionImplementation, type SessionLoader } from '../session/index.ts'
import { loaderSpecOf } from './loader-spec-of.ts'
import { directivesFor } from './own-directives.ts'

/** The directory in which loaders of users without a lock of their own get theirs. */
export const lockDirectoryOf = ({ stateDirectory }: Pick<ServerConfig, 'stateDirectory'>): string =>
  join(stateDirectory, 'session-locks')

/** The loader of a configuration; `loaderClass`: where PSOSessionLoader names one, from its module. `user`: as openLoader has it. */
export function loaderFor(
  config: ServerConfig,
  merged: Merged,
  directives: Directives,
  loaderClass: SessionImplementation | undefined,
  user?: object,
): SessionLoader {
  if (loaderClass === undefined) return openLoader(loaderSpecOf(config, directives)!, user)
  return openOwnLoader(loaderClass, {
    lockDirectory: lockDirectoryOf(config),
    namedBy: 'PSOSessionLoader',
    directives: directivesFor(config, merged, loaderClass),
    ...(user === undefined ? {} : { user }),
  })
}
