import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { loseNoVisit } from '../support/lose-no-visit.ts'
import { type StoreKind, stores } from '../support/stores.ts'

/** A PID namespace of its own, as a container has it; absent where it takes a right that this user has not. */
const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const hasContainers = spawnSync('unshare', [...container.slice(1), 'true']).status === 0

/** Title, the commands that the servers run under, workers of each. */
const cases: readonly (readonly [string, readonly (readonly string[])[], number])[] = [
  ['one server', [[]], 1],
  ['one server of two workers', [[]], 2],
  ['two servers', [[], []], 1],
  ...(hasContainers ? [['two servers, one in a PID namespace of its own', [[], container], 1] as const] : []),
]

if (!hasContainers) t.pass('no PID namespaces', { skip: 'unshare takes a right that this user has not' })

const awaiting = 'a handler that awaits between reading and writing'

// a few for each way of keeping sessions; all of them, for longer, in test/services
for (const [title, servers, workers] of cases)
  for (const [name, handler, requests] of [
    ['file', 'the quick example', 10_000],
    ['file', awaiting, 10_000],
    ['sqlite', awaiting, 2000],
    ['redis', awaiting, 2000],
  ] as const)
    t.test(
      `${title}, sessions in ${name}, ${handler}: ${requests} requests of one visitor lose no visit`,
      { timeout: 120_000 },
      t => loseNoVisit(t, { store: stores[name], servers, workers, handler, requests }),
    )

/** The how-to's database: a loader of one's own that only loads and saves. Its locks are those of a server's StateDirectory. */
const database: StoreKind = {
  outlives: true,
  place: 'disk',
  async open(_t, directory) {
    const module = join(import.meta.dirname, '../../public_html/database/sqlitetest.ts')
    const path = join(directory, 'own.sqlite')
    return { lines: `PSOSessionLoader = ${module}::SqliteLoader\nPSOSqliteLoader_Path = ${path}`, path }
  },
}

for (const [title, servers, workers] of cases.slice(0, 2))
  t.test(`${title}, a loader of one's own: 2000 requests of one visitor lose no visit`, { timeout: 120_000 }, t =>
    loseNoVisit(t, { store: database, servers, workers, handler: awaiting, requests: 2000 }),
  )
