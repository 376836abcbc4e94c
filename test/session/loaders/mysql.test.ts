import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { MysqlStore } from '../../../session/loaders/mysql.ts'
import { RemoteLoader } from '../../../session/loaders/remote-loader.ts'
import type { Statement } from '../../../session/loaders/sql-statements.ts'
import type { Answer } from '../../../session/loaders/sql-store.ts'
import { mariadbServer } from '../../support/services/mariadb-server.ts'
import { loaderContract } from '../loader-contract.ts'
import { sqlContract } from './sql-contract.ts'

const ask = async (url: string, text: string): Promise<Record<string, unknown>[]> => {
  const connection = await createConnection(url)
  try {
    return (await connection.query<RowDataPacket[]>(text))[0]
  } finally {
    await connection.end()
  }
}

const placesOn = (url: string) => {
  let databases = 0
  /** A database each. */
  return async (): Promise<string> => {
    const database = `pso_${databases++}`
    await ask(url, `CREATE DATABASE ${database}`)
    return url.replace(/pso$/, database)
  }
}

const storeThatTells = (url: string, tell: (statement: string) => void): MysqlStore =>
  new (class extends MysqlStore {
    protected override ask(statement: Statement, values: readonly unknown[]): Promise<Answer> {
      tell(statement.name)
      return super.ask(statement, values)
    }
  })(url)

function contractOn(t: Test, makePlace: () => Promise<string>): void {
  loaderContract(t, async (t: Test) => {
    const loader = new RemoteLoader(new MysqlStore(await makePlace()))
    t.teardown(() => loader.close())
    return loader
  })
}

t.test('mariadb', async t => {
  const server = await mariadbServer(t)
  if (server === undefined) return
  const makePlace = placesOn(server.url)
  contractOn(t, makePlace)
  sqlContract(t, {
    server,
    makePlace,
    ask,
    store: url => new MysqlStore(url),
    storeThatTells,
    oneHour: 'INTERVAL 1 HOUR',
    wrongPassword: /Access denied/,
    unknownDatabase: /none/,
  })

  t.test('a session that is too long for the server is an error that says so, and no outage', async t => {
    const loader = new RemoteLoader(new MysqlStore(await makePlace()))
    t.teardown(() => loader.close())
    const record = { serviceId: 'shop', data: '"\u00e9"', createdAt: 1, usedAt: 1, version: 1 }
    await loader.save('x', record, { serviceId: 'shop' })
    // 16 MiB is what a server takes at most where it is not told
    for (const data of ['x'.repeat(16 << 20), 'é'.repeat(8 << 20)])
      await t.rejects(loader.save('x', { ...record, data, version: 2 }, { serviceId: 'shop' }), {
        code: 'too-large',
        message: /^the session has 16777216 bytes, the max_allowed_packet of mysql:.* is 16777216$/,
      })
    t.same(await loader.load('x', { serviceId: 'shop' }), record)
    const data = 'x'.repeat((16 << 20) - 10_000)
    t.equal(await loader.save('x', { ...record, data, version: 2 }, { serviceId: 'shop' }), 'saved', 'what just fits')
  })
})

t.test('an option of the URL that would leave the connection unencrypted is an error', async t => {
  const store = new MysqlStore('mysql://pso:pw@127.0.0.1:1/pso?sslmode=require')
  await t.rejects(store.connect(), {
    message: 'its URL has ?sslmode, which the driver does not know: TLS is ?ssl={}',
  })
})

t.test(
  'shutdown, authorization and too many connections are outages, other errors of the server are answers',
  async t => {
    const store = new MysqlStore('mysql://pso:pw@127.0.0.1:1/pso')
    const error = (errno: number): Error => Object.assign(new Error(), { errno, sqlState: 'HY000' })
    for (const number of [1040, 1045, 1049, 1053, 1203, 1927]) t.ok(store.isOutage(error(number)), String(number))
    for (const number of [1062, 1142, 1153, 1205, 1213, 1317]) t.notOk(store.isOutage(error(number)), String(number))
    t.ok(store.isOutage(Object.assign(new Error(), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true })))
  },
)

t.test('a server that does not return what it inserts, as MySQL', async t => {
  const server = await mariadbServer(t, '--version=8.0.36', '--autocommit=0')
  if (server === undefined) return
  const makePlace = placesOn(server.url)
  contractOn(t, makePlace)

  t.test('is asked twice for a lock, and for nothing else', async t => {
    const told: string[] = []
    const loader = new RemoteLoader(storeThatTells(await makePlace(), name => told.push(name)))
    t.teardown(() => loader.close())
    await loader.load('x', { serviceId: 'shop' })
    told.length = 0
    const lock = await loader.lock('x', { serviceId: 'shop' }, 1000)
    const held = { serviceId: 'shop', lock, isLast: true }
    await loader.save('x', { serviceId: 'shop', data: '{}', createdAt: 1, usedAt: 1, version: 1 }, held)
    lock.release()
    t.same(told, ['pso lock', 'pso load held', 'pso save and unlock'])
  })
})
