import { join } from 'node:path'
import type { Test } from 'tap'
import { mariadbServer } from './services/mariadb-server.ts'
import { postgresServer } from './services/postgres-server.ts'
import type { PrivateServer } from './services/private-server.ts'
import { redisServer } from './services/redis-server.ts'

/** A place for sessions, made for one test. */
export interface TestStore {
  /** The lines of `.psoaccess` or server.ini that name it. */
  readonly lines: string
  /** Where it is a server. */
  readonly server?: PrivateServer
  /** Where it is on disk: a directory for files, the database file for SQLite. */
  readonly path?: string
}

export interface StoreKind {
  /** What becomes of its sessions when the process that serves ends. */
  readonly outlives: boolean
  /** Its sessions are on disk here, or in a server; neither: in the process. */
  readonly place: 'process' | 'disk' | 'server'
  /** Undefined where the machine lacks it: the test is skipped then, under CI it fails. `directory`: for what is on disk. */
  open(t: Test, directory: string): Promise<TestStore | undefined>
}

const served = (start: (t: Test) => Promise<PrivateServer | undefined>): StoreKind => ({
  outlives: true,
  place: 'server',
  async open(t) {
    const server = await start(t)
    return server && { lines: linesFor(server.url), server }
  },
})

export const linesFor = (url: string): string => `PSOSessionLoader = ${url}`

/** All stores there are, by name. */
export const stores = {
  memory: { outlives: false, place: 'process', open: async () => ({ lines: 'PSOSessionLoader = memory:' }) },
  file: {
    outlives: true,
    place: 'disk',
    async open(_t, directory) {
      const path = join(directory, 'sessions')
      return { lines: `PSOSessionLoader = file:\nPSOSessionFileLoader_Path = ${path}`, path }
    },
  },
  sqlite: {
    outlives: true,
    place: 'disk',
    async open(_t, directory) {
      const path = join(directory, 'sessions.db')
      return { lines: linesFor(`sqlite:${path}`), path }
    },
  },
  redis: served(redisServer),
  postgres: served(postgresServer),
  mysql: served(mariadbServer),
} as const satisfies Readonly<Record<string, StoreKind>>

export type StoreName = keyof typeof stores

/** The stores that a run is about, with their names; STORE=redis in the environment leaves one, for whoever looks into it. */
export const storesWhere = (is: (kind: StoreKind) => boolean): (readonly [StoreName, StoreKind])[] =>
  (Object.entries(stores) as [StoreName, StoreKind][]).filter(
    ([name, kind]) => is(kind) && (process.env['STORE'] ?? name) === name,
  )
