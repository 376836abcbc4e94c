import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import type { SessionRecord } from '../../../session/loader.ts'
import { self } from '../../../session/loaders/lock-owner.ts'
import { SqliteSessionLoader } from '../../../session/loaders/sqlite.ts'
import { onReport } from '../../../session/report.ts'
import { sessionKey, sessionName } from '../../../session/session-key.ts'
import { loaderContract } from '../loader-contract.ts'
import { incrementing } from './incrementing.ts'

const context = { serviceId: 'shop' }
/** Stored over version `before`. */
const record = (visits: number, before = 0): SessionRecord => ({
  serviceId: 'shop',
  data: JSON.stringify({ visits }),
  createdAt: 1,
  usedAt: 1,
  version: before + 1,
})
const keyOf = (id: string): string => sessionKey(sessionName('shop', id))

function open(t: Test): SqliteSessionLoader {
  const loader = new SqliteSessionLoader(join(t.testdir({}), 'state/sessions.db'))
  t.teardown(() => loader.close())
  return loader
}

/** Another program that has the database open. */
function other(t: Test, path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  t.teardown(() => database.isOpen && database.close())
  return database
}

/** From now on the clocks of the loader and its locks say so much more. */
function pass(t: Test, ms: number): void {
  const passed = performance.now() + ms
  t.intercept(performance, 'now', { value: () => passed })
}

function reported(t: Test): string[] {
  const reports: string[] = []
  t.teardown(onReport(report => reports.push(report)))
  return reports
}

loaderContract(t, open)

t.test('a directory that is made is 0700, all files are 0600, and a person can read what is stored', async t => {
  const loader = open(t)
  loader.save('secret-id', { ...record(1), createdAt: Date.UTC(2026, 10, 24), label: 'ada' }, context)
  t.equal(statSync(dirname(loader.path)).mode & 0o777, 0o700)
  t.equal(statSync(`${loader.path}.locks`).mode & 0o777, 0o700)
  for (const suffix of ['', '-wal', '-shm']) t.equal(statSync(loader.path + suffix).mode & 0o777, 0o600, suffix)
  t.match(other(t, loader.path).prepare('SELECT * FROM sessions_dated').get(), {
    service: 'shop',
    label: 'ada',
    data: '{"visits":1}',
    created: '2026-11-24 00:00:00',
    ends: null,
  })
  t.notMatch(readFileSync(`${loader.path}-wal`, 'latin1'), 'secret-id')
})

t.test('a path that cannot be used is an error with its name', async t => {
  const directory = t.testdir({ taken: 'a file', text: 'no database, only some text. '.repeat(40), folder: {} })
  const foreign = new DatabaseSync(join(directory, 'foreign'))
  foreign.exec('CREATE TABLE sessions (id, payload)')
  foreign.close()
  for (const [name, reason] of [
    ['taken/below', /ENOTDIR|EEXIST/],
    ['text', /file is not a database/],
    ['folder', /unable to open database file/],
    ['foreign', /its table sessions has other columns: expected key service .*, found id payload$/],
  ] as const) {
    const path = join(directory, name)
    const loader = new SqliteSessionLoader(path)
    const expected = { code: 'unusable-path', message: new RegExp(`^${path}.* cannot hold sessions: `) }
    t.throws(() => loader.load('x', context), expected)
    t.throws(() => loader.load('x', context), { message: reason })
    t.throws(() => loader.lock('x', context, 10), expected)
    t.throws(() => loader.save('x', record(1), context), expected)
    await t.rejects(loader.purge(1), expected)
    loader.close()
  }
})

t.test('a file that cannot be used is looked at again, and used once it can', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  loader.close()
  const whole = readFileSync(loader.path)
  writeFileSync(loader.path, 'no database, only some text. '.repeat(40))
  t.throws(() => loader.load('x', context), { code: 'unusable-path' })
  writeFileSync(loader.path, whole)
  t.equal(loader.load('x', context)!.data, '{"visits":1}')
})

t.test(
  'a damaged database is an error at the sessions it concerns, nothing is thrown away, and a good one heals it',
  async t => {
    const loader = open(t)
    for (let number = 0; number < 300; number++) loader.save(`id-${number}`, record(number), context)
    loader.close()
    const whole = readFileSync(loader.path)
    const damaged = Buffer.from(whole).fill(0xaa, 30 * 1024, 34 * 1024)
    writeFileSync(loader.path, damaged)
    const answers = Array.from({ length: 300 }, (_, number) => {
      try {
        return loader.load(`id-${number}`, context)?.data === `{"visits":${number}}` ? 'whole' : 'wrong'
      } catch (error) {
        return `${(error as { code: string }).code} ${(error as Error).message}`
      }
    })
    const malformed = `cannot-load the session could not be read, in ${loader.path}: database disk image is malformed`
    t.same(new Set(answers), new Set(['whole', malformed]))
    const lost = `id-${answers.indexOf(malformed)}`
    t.throws(() => loader.save(lost, record(1), context), { code: 'cannot-save', message: /malformed/ })
    t.ok(
      readFileSync(loader.path)
        .subarray(30 * 1024, 34 * 1024)
        .equals(damaged.subarray(30 * 1024, 34 * 1024)),
    )
    writeFileSync(loader.path, whole)
    t.equal(loader.load(lost, context)!.data, `{"visits":${lost.slice(3)}}`)
  },
)

t.test('a database cut at any page is an error or what was there, and never a crash', async t => {
  const loader = open(t)
  for (let number = 0; number < 100; number++) loader.save(`id-${number}`, record(number), context)
  loader.close()
  const whole = readFileSync(loader.path)
  for (let size = 0; size < whole.length; size += 512) {
    writeFileSync(loader.path, whole.subarray(0, size))
    const fresh = new SqliteSessionLoader(loader.path)
    try {
      const found = fresh.load('id-7', context)
      if (found !== undefined && found.data !== '{"visits":7}') t.fail(`${size} bytes: ${found.data}`)
    } catch (error) {
      t.match(error, { code: /cannot-load|unusable-path/, message: loader.path }, `${size} bytes`)
    }
    fresh.close()
  }
})

t.test('a row that cannot be read gives a fresh session, is set aside for a week and reported once', async t => {
  const reports = reported(t)
  const loader = open(t)
  for (const id of ['x', 'y', 'z']) loader.save(id, record(1), context)
  const database = other(t, loader.path)
  database.prepare("UPDATE sessions SET data = 'nonsense' WHERE key = ?").run(keyOf('x'))
  database.prepare('UPDATE sessions SET version = 1 << 60 WHERE key = ?').run(keyOf('y'))
  for (const id of ['x', 'y']) for (let time = 0; time < 2; time++) t.equal(loader.load(id, context), undefined)
  t.same(
    reports,
    ['x', 'y'].map(id => `a session in ${loader.path} is damaged and was set aside, with the key ${keyOf(id)}.damaged`),
  )
  t.equal(loader.save('x', record(5), context), 'saved', 'a fresh session can begin')
  t.equal(loader.load('z', context)!.data, '{"visits":1}')
  t.equal((await Array.fromAsync(loader.list())).length, 2)
  const week = 7 * 24 * 60 * 60 * 1000
  t.equal(await loader.purge(Date.now() + week - 60_000), 0)
  t.equal(await loader.purge(Date.now() + week), 2)
})

t.test('a database that is removed or replaced under us is found out within a second', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  const another = new SqliteSessionLoader(join(dirname(loader.path), 'another.db'))
  another.save('x', record(7), context)
  another.close()
  for (const suffix of ['-wal', '-shm']) unlinkSync(loader.path + suffix)
  renameSync(another.path, loader.path)
  pass(t, 1001)
  t.equal(loader.load('x', context)!.data, '{"visits":7}')
  // what is beside it stays, with another process perhaps: nothing of it must get into the new one
  other(t, loader.path).exec('SELECT * FROM sessions')
  const { ino } = statSync(`${loader.path}-shm`)
  unlinkSync(loader.path)
  pass(t, 1001)
  t.equal(loader.load('x', context), undefined)
  t.equal(loader.save('x', record(5), context), 'saved')
  t.not(statSync(`${loader.path}-shm`).ino, ino, 'no memory is shared with the old one')
  const reader = new SqliteSessionLoader(loader.path)
  t.equal(reader.load('x', context)!.data, '{"visits":5}')
  reader.close()
})

t.test('a directory that is removed under us comes back by itself', async t => {
  const loader = open(t)
  const lock = await loader.lock('x', context, 1000)
  loader.save('x', record(1), { ...context, lock })
  await lock.release()
  rmSync(dirname(loader.path), { recursive: true })
  const again = await loader.lock('x', context, 1000)
  t.equal(loader.load('x', { ...context, lock: again }), undefined, 'not what an open descriptor remembers')
  t.equal(loader.save('x', record(5), { ...context, lock: again }), 'saved')
  await again.release()
  const reader = new SqliteSessionLoader(loader.path)
  t.equal(reader.load('x', context)!.data, '{"visits":5}')
  reader.close()
})

t.test('what another program keeps locked is an error after a second, and goes on when it is free', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  const database = other(t, loader.path)
  database.exec('BEGIN IMMEDIATE')
  t.equal(loader.load('x', context)!.data, '{"visits":1}', 'who reads waits for nobody')
  t.throws(() => loader.save('y', record(1), context), {
    code: 'cannot-save',
    message: `the session could not be saved, in ${loader.path}: another program has kept it locked for 1 s`,
  })
  database.exec('ROLLBACK')
  t.equal(loader.save('y', record(1), context), 'saved')
})

t.test('a purge goes by the last end of a session, whether it came nearer or moved on', async t => {
  const loader = open(t)
  const saved = (id: string, ...ends: (number | undefined)[]): void =>
    ends.forEach((endsAt, before) => {
      loader.save(id, { ...record(1, before), ...(endsAt === undefined ? {} : { endsAt }) }, context)
    })
  saved('nearer', 100, 10)
  saved('later', 10, 100)
  saved('begun', undefined, 10)
  saved('lifted', 10, undefined)
  saved('twice', 10, 100, 20)
  for (let number = 0; number < 250; number++) saved(`same-${number}`, 10)
  const left = async (): Promise<number> => (await Array.fromAsync(loader.list())).length
  t.equal(await loader.purge(9), 0)
  t.equal(await loader.purge(10), 252)
  t.equal(await left(), 3)
  t.equal(await loader.purge(20), 1)
  t.equal(await loader.purge(99), 0)
  t.equal(await loader.purge(100), 1)
  t.equal(await loader.purge(Number.MAX_SAFE_INTEGER), 0)
  t.ok(loader.load('lifted', context))
})

t.test('a purge goes by an index, and gives way after each hundred', async t => {
  const loader = open(t)
  for (let number = 0; number < 350; number++) loader.save(`id-${number}`, { ...record(1), endsAt: 5 }, context)
  const plan = other(t, loader.path).prepare(
    'EXPLAIN QUERY PLAN SELECT due, rowid, key, ends FROM sessions WHERE due <= 9 AND (due, rowid) > (1, 2) ORDER BY due, rowid LIMIT 9',
  )
  t.match(plan.all(), [{ detail: /^SEARCH sessions USING INDEX sessions_due/ }])
  const counts: number[] = []
  const count = other(t, loader.path).prepare('SELECT count(*) AS count FROM sessions')
  let isDone = false
  const purge = loader.purge(5).finally(() => (isDone = true))
  while (!isDone) {
    counts.push(Number(count.get()!.count))
    await new Promise(setImmediate)
  }
  t.equal(await purge, 350)
  for (const left of [250, 150, 50]) t.ok(counts.includes(left), `${left} in ${counts}`)
})

t.test('a list is read by pages, and no transaction is open while it is gone through', async t => {
  const loader = open(t)
  const ids = Array.from({ length: 250 }, (_, number) => `id-${number}`)
  for (const id of ids) loader.save(id, record(1), context)
  const database = other(t, loader.path)
  const keys: string[] = []
  for await (const { key } of loader.list()) {
    keys.push(key)
    if (keys.length === 150) {
      loader.save('id-0', record(2, 1), context)
      t.match(database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get(), { busy: 0 })
    }
  }
  t.same(keys, ids.map(keyOf).toSorted())
  const [prefix] = keys[0]!.match(/^.{2}/)!
  t.same(
    (await Array.fromAsync(loader.list(prefix))).map(({ key }) => key),
    keys.filter(key => key.startsWith(prefix)),
  )
})

t.test('processes that begin together make one database, and lose no increment', { timeout: 60_000 }, async t => {
  const loader = open(t)
  const made = await Promise.all([1, 2, 3].map(() => incrementing(specOf(loader), 700).done))
  t.equal(new Set(made.flat()).size, 2100, 'no number was made twice')
  t.equal(loader.load('shared', context)!.data, '{"visits":2100}')
})

t.test('kill -9 in the middle: what was acknowledged is there, and the lock is free', { timeout: 60_000 }, async t => {
  const loader = open(t)
  loader.save('shared', record(0), context)
  let highest = 0
  for (let kill = 0; kill < 3; kill++) {
    const victim = incrementing(specOf(loader), 100_000)
    const survivor = incrementing(specOf(loader), 300)
    await new Promise(resolve => setTimeout(resolve, 250))
    victim.kill()
    const [acknowledged, more] = await Promise.all([victim.done, survivor.done])
    highest = Math.max(highest, ...acknowledged, ...more)
    t.equal(more.length, 300, 'the survivor went on')
    const stored = JSON.parse(loader.load('shared', context)!.data).visits
    t.ok(stored >= highest && stored <= highest + 1, `${stored} stored, ${highest} acknowledged`)
    highest = stored
  }
})

t.test('who held a lock for long and lost it writes nothing', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  const lock = await loader.lock('x', context, 1000)
  const file = join(`${loader.path}.locks`, 'locks', keyOf('x'))
  const boot = self.split(' ')[2]
  unlinkSync(file)
  writeFileSync(file, `1 1 ${boot} 1`)
  pass(t, 6000)
  t.equal(await loader.save('x', record(2, 1), { ...context, lock }), 'conflict')
  await lock.release()
  t.ok(existsSync(file), "the other's lock stays")
  t.equal(loader.load('x', context)!.data, '{"visits":1}')
})

t.test('the driver is loaded by who uses it alone, and says nothing', async t => {
  const path = join(t.testdir({}), 'sessions.db')
  const run = (spec: object): { stdout: string; stderr: string } =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { openLoader } = await import(${JSON.stringify(join(import.meta.dirname, '../../../session/index.ts'))})
        openLoader(${JSON.stringify(spec)}).load('x', { serviceId: 's' })
        console.log(process.moduleLoadList.includes('NativeModule sqlite'))`,
      ],
      { encoding: 'utf8' },
    )
  t.match(run({ type: 'file', directory: `${path}.files` }), { stdout: 'false\n', stderr: '' })
  t.match(run({ type: 'sqlite', path }), { stdout: 'true\n', stderr: '' })
  t.ok(existsSync(path))
})

const specOf = ({ path }: SqliteSessionLoader): { type: 'sqlite'; path: string } => ({ type: 'sqlite', path })
