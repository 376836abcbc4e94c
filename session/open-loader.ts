import type { SessionLoader } from './loader.ts'
import { FileSessionLoader } from './loaders/file.ts'
import { MemoryLoader } from './loaders/memory.ts'
import { MysqlStore } from './loaders/mysql.ts'
import { PostgresStore } from './loaders/postgres.ts'
import { RedisStore } from './loaders/redis.ts'
import { RemoteLoader } from './loaders/remote-loader.ts'
import { SqliteSessionLoader } from './loaders/sqlite.ts'
import { closeOwnLoaders, ownLoaders } from './open-own-loader.ts'
import { report } from './report.ts'
import { SessionError } from './session-error.ts'

/** What PSOSessionLoader says, its path resolved. */
export type LoaderSpec =
  | { readonly type: 'file'; readonly directory: string }
  | { readonly type: 'memory' }
  | { readonly type: 'sqlite'; readonly path: string }
  | { readonly type: 'redis' | 'postgres' | 'mysql'; readonly url: string }

/** One for each place in a process: locks, open files and connections are shared. */
const loaders = new Map<string, SessionLoader>()

/** The loader of a specification: one for each place, and one memory a process. */
export function openLoader(spec: LoaderSpec): SessionLoader {
  const place = `${spec.type}:${placeOf(spec)}`
  let loader = loaders.get(place)
  if (loader === undefined) loaders.set(place, (loader = make(spec)))
  return loader
}

function placeOf(spec: LoaderSpec): string {
  if (spec.type === 'memory') return ''
  return 'url' in spec ? spec.url : 'path' in spec ? spec.path : spec.directory
}

function make(spec: LoaderSpec): SessionLoader {
  switch (spec.type) {
    case 'file':
      return new FileSessionLoader(spec.directory)
    case 'memory':
      return new MemoryLoader()
    case 'sqlite':
      return new SqliteSessionLoader(spec.path)
    case 'redis':
      return new RemoteLoader(new RedisStore(spec.url))
    case 'postgres':
      return new RemoteLoader(new PostgresStore(spec.url))
    case 'mysql':
      return new RemoteLoader(new MysqlStore(spec.url))
  }
}

/** Removes what is over from all loaders that this process has opened, in small steps; resolves to how many. `now`: ms. Never fails. */
export async function purgeLoaders(now: number): Promise<number> {
  let removed = 0
  for (const loader of [...loaders.values(), ...ownLoaders()])
    try {
      removed += await loader.purge(now)
    } catch (error) {
      // an outage has been said, and what one store cannot do another can
      if (!(error instanceof SessionError) || error.code !== 'unavailable')
        report(`sessions that are over could not be removed: ${(error as Error).message}`)
    }
  return removed
}

/** Lets go of all descriptors, connections and lock files of this process; what is in its memory stays. */
export async function closeLoaders(): Promise<void> {
  await closeOwnLoaders()
  for (const [place, loader] of loaders) {
    if (loader.close === undefined) continue
    loaders.delete(place)
    await loader.close()
  }
}
