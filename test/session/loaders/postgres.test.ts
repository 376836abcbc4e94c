import { Client } from 'pg'
import t, { type Test } from 'tap'
import { PostgresStore } from '../../../session/loaders/postgres.ts'
import { RemoteLoader } from '../../../session/loaders/remote-loader.ts'
import type { Statement } from '../../../session/loaders/sql-statements.ts'
import type { Answer } from '../../../session/loaders/sql-store.ts'
import { postgresServer } from '../../support/services/postgres-server.ts'
import { loaderContract } from '../loader-contract.ts'
import { sqlContract } from './sql-contract.ts'

t.test('postgres', async t => {
  const server = await postgresServer(t)
  if (server === undefined) return

  let schemas = 0
  const ask = async (url: string, text: string): Promise<Record<string, unknown>[]> => {
    const client = new Client(url)
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  /** A schema each. */
  const makePlace = async (): Promise<string> => {
    const schema = `place${schemas++}`
    await ask(server.url, `CREATE SCHEMA ${schema}`)
    return `${server.url}?options=-c%20search_path%3D${schema}`
  }

  loaderContract(t, async (t: Test) => {
    const loader = new RemoteLoader(new PostgresStore(await makePlace()))
    t.teardown(() => loader.close())
    return loader
  })

  sqlContract(t, {
    server,
    makePlace,
    ask,
    store: url => new PostgresStore(url),
    storeThatTells: (url, tell) =>
      new (class extends PostgresStore {
        protected override ask(statement: Statement, values: readonly unknown[]): Promise<Answer> {
          tell(statement.name)
          return super.ask(statement, values)
        }
      })(url),
    oneHour: "interval '1 hour'",
    wrongPassword: /password authentication failed/,
    unknownDatabase: /database "none" does not exist/,
  })

  t.test('a user who may make no table uses one that is there, and is told where there is none', async t => {
    const place = await makePlace()
    const [, schema] = /D(place\d+)$/.exec(place)!
    await ask(place, `CREATE ROLE guest LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA ${schema} TO guest`)
    const store = new PostgresStore(place.replace(`pso:${server.password}@`, 'guest:pw@'))
    t.teardown(() => store.disconnect())
    await t.rejects(store.connect(), {
      message: `it has no table pso_sessions, which could not be made: permission denied for schema ${schema}`,
    })
    const owner = new PostgresStore(place)
    await owner.connect()
    owner.disconnect()
    await t.rejects(store.connect(), { message: 'permission denied for table pso_sessions' })
    await ask(place, 'GRANT SELECT, INSERT, UPDATE, DELETE ON pso_sessions TO guest')
    await store.connect()
    t.match(await store.lock('a', 'mine', 1000), { holder: 'mine' })
    await store.unlock('a', 'mine')
  })

  t.test('where transactions are serializable by default, what is given up for another is tried again', async t => {
    const place = `${await makePlace()}%20-c%20default_transaction_isolation%3Dserializable`
    const stores = [new PostgresStore(place), new PostgresStore(place)]
    t.teardown(() => stores.map(store => store.disconnect()))
    for (const store of stores) await store.connect()
    const record = { serviceId: 'shop', data: '{}', createdAt: 1, usedAt: 1 }
    await stores[0]!.save('a', { ...record, version: 1 }, undefined, false)
    let version = 1
    for (let round = 0; round < 100; round++) {
      const answers = await Promise.all(
        [0, 1, 2, 3].map(number => stores[number % 2]!.lock('a', `${round} ${number}`, 60_000)),
      )
      const holders = new Set(answers.map(({ holder }) => holder).filter(holder => holder !== ''))
      t.equal(holders.size, 1)
      const [holder] = holders
      t.equal(answers.filter(({ record }) => record !== undefined).length, 1, 'one has got it')
      t.equal(await stores[0]!.save('a', { ...record, version: ++version }, holder, true), 'saved')
    }
  })

  t.test(
    'shutdown, start, authorization and too many connections are outages, other errors of the server are answers',
    async t => {
      const store = new PostgresStore(await makePlace())
      const error = (code: string): Error => Object.assign(new Error(), { severity: 'FATAL', code })
      for (const code of ['57P01', '57P03', '08006', '53300', '28P01', '3D000']) t.ok(store.isOutage(error(code)), code)
      for (const code of ['57014', '53100', '22021', '40001', '42501']) t.notOk(store.isOutage(error(code)), code)
      t.ok(store.isOutage(Object.assign(new Error(), { code: 'ECONNRESET' })))
    },
  )
})
