import type { SessionLoader } from './loader.ts'
import { FileSessionLoader } from './loaders/file.ts'
import { MemoryLoader } from './loaders/memory.ts'
import { MysqlStore } from './loaders/mysql.ts'
import { PostgresStore } from './loaders/postgres.ts'
import { RedisStore } from './loaders/redis.ts'
import { RemoteLoader } from './loaders/remote-loader.ts'
import { SqliteSessionLoader } from './loaders/sqlite.ts'
import { closeOwnLoaders, ownLoaders, somebody } from './open-own-loader.ts'
import { report } from './report.ts'
import { SessionError } from './session-error.ts'

/** What PSOSessionLoader says, its path resolved. */
export type LoaderSpec =
  | { readonly type: 'file'; readonly directory: string }
  | { readonly type: 'memory' }
  | { readonly type: 'sqlite'; readonly path: string }
  | { readonly type: 'redis' | 'postgres' | 'mysql'; readonly url: string }

interface Opened {
  readonly loader: SessionLoader
  readonly users: Set<object>
}

/** One for each place in a process: locks, open files and connections are shared. */
const loaders = new Map<string, Opened>()

/** The loader of a specification: one for each place, and one memory per process. `user`: who lets go of it with `closeLoaders`. */
export function openLoader(spec: LoaderSpec, user: object = somebody): SessionLoader {
  const place = `${spec.type}:${placeOf(spec)}`
  let opened = loaders.get(place)
  if (opened === undefined) loaders.set(place, (opened = { loader: make(spec), users: new Set() }))
  opened.users.add(user)
  return opened.loader
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

/** True where sessions are in the memory of this process, and end with it. */
export const hasMemoryLoader = (): boolean => loaders.has('memory:')

let purging: Promise<number> | undefined

/**
 * Removes what is over from all loaders that this process has opened, in small steps; resolves to how many. `now`: ms. Never fails. A call
 * while that is going on, for another server of this process, gets the same result.
 */
export function purgeLoaders(now: number): Promise<number> {
  purging ??= purgeEach(now).finally(() => (purging = undefined))
  return purging
}

async function purgeEach(now: number): Promise<number> {
  let removed = 0
  for (const loader of [...Array.from(loaders.values(), opened => opened.loader), ...ownLoaders()])
    try {
      removed += await loader.purge(now)
    } catch (error) {
      // an outage has been reported; the other stores may work
      if (!(error instanceof SessionError) || error.code !== 'unavailable')
        report(`sessions that are over could not be removed: ${(error as Error).message}`)
    }
  return removed
}

/**
 * Lets go of the descriptors, connections and lock files that no other user in this process needs; sessions in its memory stay.
 */
export async function closeLoaders(user: object = somebody): Promise<void> {
  await closeOwnLoaders(user)
  for (const [place, { loader, users }] of loaders) {
    users.delete(user)
    if (loader.close === undefined || users.size > 0) continue
    loaders.delete(place)
    await loader.close()
  }
}
