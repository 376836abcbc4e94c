import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { SessionRecord } from '../../../session/loader.ts'
import { RemoteLoader } from '../../../session/loaders/remote-loader.ts'
import type { SqlStore } from '../../../session/loaders/sql-store.ts'
import { onReport } from '../../../session/report.ts'
import type { SessionError } from '../../../session/session-error.ts'
import { sessionKey, sessionName } from '../../../session/session-key.ts'
import type { PrivateServer } from '../../support/services/private-server.ts'
import { relayTo } from '../../support/services/relay.ts'

/** What a test needs of one kind of database. */
export interface Database {
  readonly server: PrivateServer
  /** A new place without a table; resolves to its URL. */
  makePlace(): Promise<string>
  store(url: string): SqlStore
  /** A store that says before each statement what it is called. */
  storeThatTells(url: string, tell: (statement: string) => void): SqlStore
  /** Asks as an administrator, in that place. */
  ask(url: string, text: string): Promise<Record<string, unknown>[]>
  /** The interval by which a time is to be put back, in SQL. */
  readonly oneHour: string
  /** How it words an unknown database. */
  readonly unknownDatabase: RegExp
  readonly wrongPassword: RegExp
}

const context = { serviceId: 'shop' }
const record = (visits: number, version: number, more: Partial<SessionRecord> = {}): SessionRecord => ({
  serviceId: 'shop',
  data: JSON.stringify({ visits }),
  createdAt: 1,
  usedAt: 1,
  version,
  ...more,
})
const keyOf = (id: string): string => sessionKey(sessionName('shop', id))

/** What every store of sessions in a table keeps to, besides the loaders' contract. */
export function sqlContract(t: Test, database: Database): void {
  const { server, makePlace, store, storeThatTells, ask } = database
  const loaderOf = (t: Test, url: string, make = store): RemoteLoader => {
    const loader = new RemoteLoader(make(url))
    t.teardown(() => loader.close())
    return loader
  }
  const open = async (t: Test, url: string): Promise<SqlStore> => {
    const one = store(url)
    t.teardown(() => one.disconnect())
    await one.connect()
    return one
  }
  const reportsOf = (t: Test): string[] => {
    const reports: string[] = []
    t.teardown(onReport(message => reports.push(message)))
    return reports
  }

  t.test('lock and load are one round trip, save and unlock another, whether there is a session or not', async t => {
    const told: string[] = []
    const url = await makePlace()
    const loader = loaderOf(t, url, url => storeThatTells(url, name => told.push(name)))
    await loader.load('x', context)
    for (const version of [1, 2]) {
      told.length = 0
      const lock = await loader.lock('x', context, 1000)
      const before = await loader.load('x', { ...context, lock })
      t.equal(before?.version, version === 1 ? undefined : 1)
      await loader.save('x', record(version, version), { ...context, lock, isLast: true })
      lock.release()
      t.same(told, ['pso lock and load', 'pso save and unlock'])
    }
    told.length = 0
    await loader.save('y', record(1, 1), context)
    t.same(told, ['pso insert'], 'what is new is stored in one')
    told.length = 0
    await loader.load('y', context)
    t.same(told, ['pso load'])
  })

  t.test('two processes that begin at once make one table, and 2,000 increments are 2,000', async t => {
    const url = await makePlace()
    const loaders = Array.from({ length: 4 }, () => loaderOf(t, url))
    await Promise.all(loaders.map(loader => loader.load('two', context)))
    await loaders[0]!.save('two', record(0, 1), context)
    let left = 2000
    const work = async (loader: RemoteLoader): Promise<void> => {
      while (left-- > 0) {
        const lock = await loader.lock('two', context, 20_000)
        const before = (await loader.load('two', { ...context, lock }))!
        await new Promise(setImmediate)
        const after = record(JSON.parse(before.data).visits + 1, before.version + 1)
        if ((await loader.save('two', after, { ...context, lock, isLast: true })) !== 'saved') t.fail('a conflict')
        lock.release()
      }
    }
    await Promise.all(Array.from({ length: 16 }, (_, number) => work(loaders[number % 2]!)))
    t.equal((await loaders[2]!.load('two', context))!.data, '{"visits":2000}')
  })

  t.test(
    'a lock whose lease is over by the clock of the store is free, and its holder writes nothing more',
    async t => {
      const url = await makePlace()
      const one = await open(t, url)
      const key = keyOf('x')
      await one.save(key, record(1, 1), undefined, false)
      t.match(await one.lock(key, 'first', 60_000), { holder: 'first', record: record(1, 1) })
      t.same(await one.lock(key, 'second', 60_000), { holder: 'first', record: undefined }, 'no data for who waits')
      t.equal(await one.save(key, record(9, 2), undefined, false), 'locked')
      t.equal(
        await one.save(key, record(9, 9), undefined, false),
        'conflict',
        'whatever the lock, the version is wrong',
      )
      await one.unlock(key, 'second')
      await one.renew(key, 'second', 1)
      t.match(await one.lock(key, 'second', 60_000), { holder: 'first' }, 'only the holder unlocks and renews')

      const putBack = `UPDATE pso_sessions SET until = until - ${database.oneHour}`
      await ask(url, putBack)
      await one.renew(key, 'first', 60_000)
      t.match(await one.lock(key, 'second', 60_000), { holder: 'first' }, 'renewed in time, it goes on')
      await ask(url, putBack)
      t.match(await one.lock(key, 'second', 60_000), { holder: 'second', record: record(1, 1) })
      await one.renew(key, 'first', 60_000)
      await one.unlock(key, 'first')
      t.equal(await one.save(key, record(9, 2), 'first', true), 'conflict')
      t.equal(await one.save(key, record(2, 2), 'second', false), 'saved')
      t.equal(await one.save(key, record(9, 2), 'second', false), 'conflict', 'the version counts under a lock too')

      await ask(url, putBack)
      t.equal(await one.save(key, record(3, 3), undefined, false), 'saved', 'over a lease that is over')
      t.equal(await one.save(key, record(9, 4), 'second', true), 'conflict', 'lost, though nobody has it')
      t.same(await one.load(key), record(3, 3))
    },
  )

  t.test(
    'the row of a lock alone is no session: not loaded, listed or counted, and purged once it is free',
    async t => {
      const url = await makePlace()
      const one = await open(t, url)
      const rows = async (): Promise<number> => (await ask(url, 'SELECT 1 AS one FROM pso_sessions')).length
      for (const id of ['a', 'b', 'c']) await one.lock(keyOf(id), 'dead', 60_000)
      t.equal(await one.load(keyOf('a')), undefined)
      t.same(await Array.fromAsync(one.list('')), [])
      t.equal(await one.save(keyOf('a'), record(9, 1), undefined, false), 'locked')
      t.equal(await one.purge(Date.now(), 100), 0)
      t.equal(await rows(), 3, 'they are held')
      await one.unlock(keyOf('c'), 'dead')
      t.equal(await rows(), 2)
      await ask(url, `UPDATE pso_sessions SET until = until - ${database.oneHour}`)
      t.equal(await one.save(keyOf('a'), record(1, 1), undefined, false), 'saved', 'over one that is free')
      t.equal(await one.purge(Date.now(), 100), 0)
      t.same(await ask(url, 'SELECT version FROM pso_sessions').then(rows => rows.map(row => Number(row.version))), [1])
    },
  )

  t.test('a purge takes the oldest first, and no more than it is told', async t => {
    const one = await open(t, await makePlace())
    for (const endsAt of [50, 20, 40, 10, 30])
      await one.save(keyOf(`${endsAt}`), record(1, 1, { endsAt }), undefined, false)
    await one.lock(keyOf('10'), 'held', 60_000)
    t.equal(await one.purge(40, 2), 2)
    const left = async (): Promise<unknown[]> =>
      (await Array.fromAsync(one.list(''))).map(([, { endsAt }]) => endsAt).sort()
    t.same(await left(), [10, 40, 50])
    t.equal(await one.purge(40, 2), 1)
    t.same(await left(), [10, 50])
  })

  t.test('a list goes from page to page, and a whole key is a prefix too', async t => {
    const one = await open(t, await makePlace())
    const keys = Array.from({ length: 250 }, (_, number) => keyOf(`${number}`)).sort()
    await Promise.all(keys.map(key => one.save(key, record(1, 1), undefined, false)))
    const listed = async (prefix: string): Promise<string[]> =>
      (await Array.fromAsync(one.list(prefix))).map(([key]) => key)
    t.same(await listed(''), keys)
    t.same(
      await listed('a'),
      keys.filter(key => key.startsWith('a')),
    )
    t.same(await listed(keys[7]!), [keys[7]])
    for (const hostile of ["' OR 1=1 --", '%', '_', '\\', 'é']) t.same(await listed(hostile), [], hostile)
  })

  t.test('data, service and label are kept to the byte, times to the ms', async t => {
    const url = await makePlace()
    const loader = loaderOf(t, url)
    const hostile = `'; DROP TABLE pso_sessions; -- " \` \\ \\' %s $1 ? :x 😀 é\n\t\r`
    for (const [id, data] of [
      ['quotes', JSON.stringify({ text: hostile })],
      ['not JSON', hostile],
      ['spaces', '{ "b":1,  "a" : 1.0 } '],
      ['long', JSON.stringify({ text: '😀\\"\'\0'.repeat(100_000) })],
      [hostile, '{}'],
    ] as const) {
      const whole: SessionRecord = {
        serviceId: hostile,
        data,
        createdAt: 1_795_581_230_123,
        usedAt: 1_795_581_230_999,
        endsAt: 8.64e15,
        expiresAt: -8.64e15,
        label: hostile,
        ended: true,
        version: 1,
      }
      const at = { serviceId: hostile }
      t.equal(await loader.save(id, whole, at), 'saved')
      t.same(await loader.load(id, at), whole, id.slice(0, 10))
      const lock = await loader.lock(id, at, 1000)
      t.same(await loader.load(id, { ...at, lock }), whole, 'with the lock too')
      lock.release()
    }
    await loader.save('part of a ms', record(1, 1, { endsAt: 1000.4, expiresAt: 1000.6 }), context)
    t.match(await loader.load('part of a ms', context), { endsAt: 1000, expiresAt: 1001 })
    const long = 'é'.repeat(255)
    await loader.save('label', record(1, 1, { label: long }), context)
    t.equal((await loader.load('label', context))!.label, long)
  })

  t.test('a person can read the table', async t => {
    const url = await makePlace()
    const loader = loaderOf(t, url)
    await loader.save('x', record(7, 1, { label: 'ada' }), context)
    const [row] = await ask(url, 'SELECT * FROM pso_sessions')
    t.match(row, { key: keyOf('x'), service: 'shop', data: '{"visits":7}', label: 'ada', token: null, until: null })
  })

  t.test('what cannot be used is said once, with the name of the store and without a password', async t => {
    const url = await makePlace()
    const another = await makePlace()
    await ask(another, 'CREATE TABLE pso_sessions (id int)')
    const bare = new URL(url)
    for (const [what, address, message] of [
      ['a wrong password', url.replace(server.password, 'wrong'), database.wrongPassword],
      [
        'an unknown database',
        `${bare.protocol}//${bare.username}:${bare.password}@${bare.host}/none`,
        database.unknownDatabase,
      ],
      ['nobody there', url.replace(`:${server.port}`, ':1'), /ECONNREFUSED/],
      ['a table of another shape', another, /it has a table pso_sessions of another shape: .*column/i],
    ] as const) {
      const reports = reportsOf(t)
      const loader = loaderOf(t, address)
      for (const _ of [1, 2])
        await t.rejects(async () => loader.load('x', context), { code: 'unavailable', message }, what)
      loader.close()
      t.equal(reports.length, 1, what)
      t.match(reports[0], `the session store ${bare.protocol}//127.0.0.1:`, what)
      t.notMatch(reports[0], new RegExp(`${server.password}|wrong@|search_path`), what)
    }
  })

  t.test('disconnecting ends at once what is under way, waits for a connection or is connecting', async t => {
    const relay = await relayTo(t, server.port)
    const url = relay.url(await makePlace())
    const one = store(url)
    t.teardown(() => one.disconnect())
    await one.connect()
    await relay.blackHole()
    const began = performance.now()
    const calls = Array.from({ length: 5 }, () => one.load(keyOf('x')))
    // each has its connection, or is opening it
    await new Promise(setImmediate)
    one.disconnect()
    const answers = await Promise.allSettled(calls)
    t.ok(answers.every(({ status }) => status === 'rejected'))
    t.ok(
      answers.every(answer => one.isOutage((answer as PromiseRejectedResult).reason)),
      'no answer is an outage',
    )
    const connecting = one.connect()
    await new Promise(setImmediate)
    one.disconnect()
    await t.rejects(connecting)
    t.ok(performance.now() - began < 900, 'before any time limit')
    await t.rejects(one.load(keyOf('x')), { message: 'there is no connection' })
    await relay.resume()
    await one.connect()
    t.equal(await one.load(keyOf('x')), undefined, 'it can be connected again')
  })

  t.test('a server that stops gives back what was released just before, and nothing hangs that waits', async t => {
    const relay = await relayTo(t, server.port)
    const url = await makePlace()
    const loader = loaderOf(t, relay.url(url))
    const lock = await loader.lock('x', context, 1000)
    lock.release()
    await loader.close()
    t.same(await ask(url, 'SELECT token FROM pso_sessions'), [])

    const other = loaderOf(t, relay.url(url))
    await other.load('x', context)
    await relay.blackHole()
    const waiting = Array.from({ length: 30 }, () => other.load('x', context))
    const answers = Promise.allSettled(waiting)
    await other.close()
    t.same(new Set((await answers).map(({ status }) => status)), new Set(['rejected']))
    await t.rejects(async () => other.load('x', context), {
      code: 'unavailable',
      message: 'the server is being closed',
    })
  })

  t.test('a list of a store that goes away ends with an error', async t => {
    const relay = await relayTo(t, server.port)
    const url = relay.url(await makePlace())
    const reports = reportsOf(t)
    const loader = loaderOf(t, url)
    for (let number = 0; number < 150; number++) await loader.save(`${number}`, record(1, 1), context)
    const list = loader.list()
    t.ok((await list.next()).value)
    await relay.blackHole()
    await t.rejects(Array.fromAsync(list), { code: 'unavailable' })
    await t.rejects(Array.fromAsync(loader.list()), { code: 'unavailable' }, 'later ones at once')
    t.match(reports, [/no answer within 2 s/])
  })

  t.test('a table that is removed while it is used is made anew', async t => {
    const url = await makePlace()
    const reports = reportsOf(t)
    const loader = loaderOf(t, url)
    await loader.save('x', record(1, 1), context)
    await ask(url, 'DROP TABLE pso_sessions')
    await t.rejects(async () => loader.load('x', context), { code: 'unavailable', message: /pso_sessions/ })
    await untilAvailable(async () => t.equal(await loader.load('x', context), undefined))
    t.equal(await loader.save('x', record(1, 1), context), 'saved')
    t.match(reports, [/cannot be used/, /is back after/])
  })

  t.test('many more calls than there are connections are all answered', async t => {
    const loader = loaderOf(t, await makePlace())
    const ids = Array.from({ length: 300 }, (_, number) => `${number}`)
    const saved = await Promise.all(ids.map(id => loader.save(id, record(1, 1), context)))
    t.ok(saved.every(answer => answer === 'saved'))
    const loaded = await Promise.all(ids.map(id => loader.load(id, context)))
    t.ok(loaded.every(found => found?.version === 1))
  })

  t.test('a server that goes and comes back: 503 meanwhile, then all is there', async t => {
    const url = await makePlace()
    const reports = reportsOf(t)
    const loader = loaderOf(t, url)
    await loader.save('x', record(1, 1), context)
    const lock = await loader.lock('x', context, 1000)
    await server.stop()
    await t.rejects(loader.save('x', record(2, 2), { ...context, lock, isLast: true }), { code: 'unavailable' })
    lock.release()
    await t.rejects(async () => loader.load('x', context), { code: 'unavailable' })
    await server.start()
    await untilAvailable(async () => {
      const again = await loader.lock('x', context, 1000)
      t.equal((await loader.load('x', { ...context, lock: again }))!.version, 1)
      t.equal(await loader.save('x', record(2, 2), { ...context, lock: again, isLast: true }), 'saved')
      again.release()
    })
    t.match(reports, [/cannot be used/, /is back after/])
  })
}

/** Tries until the store is not unavailable any more. */
async function untilAvailable(run: () => Promise<unknown>): Promise<void> {
  for (;;)
    try {
      await run()
      return
    } catch (error) {
      if ((error as SessionError).code !== 'unavailable') throw error
      await sleep(20)
    }
}
