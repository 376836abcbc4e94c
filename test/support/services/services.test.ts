import { setTimeout } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { knock } from './knock.ts'
import { mariadbServer } from './mariadb-server.ts'
import { postgresServer } from './postgres-server.ts'
import type { PrivateServer } from './private-server.ts'
import { redisServer } from './redis-server.ts'

/** A connection by the driver that pso uses. */
interface Connection {
  write(value: string): Promise<unknown>
  read(): Promise<string | undefined>
  close(): Promise<unknown>
}

interface Service {
  readonly start: (t: Test) => Promise<PrivateServer | undefined>
  /** Rejects where the server does. */
  readonly connect: (url: string) => Promise<Connection>
  /** How the server words a wrong password. */
  readonly refusal: RegExp
}

const services: Readonly<Record<string, Service>> = {
  redis: {
    start: redisServer,
    refusal: /WRONGPASS/,
    async connect(url) {
      const client = createClient({ url, socket: { reconnectStrategy: false } })
      client.on('error', () => {})
      await client.connect()
      return {
        write: value => client.set('k', value),
        read: async () => (await client.get('k')) ?? undefined,
        close: async () => client.destroy(),
      }
    },
  },
  postgres: {
    start: postgresServer,
    refusal: /password authentication failed/,
    async connect(url) {
      const client = new Client(url)
      client.on('error', () => {})
      await client.connect()
      return {
        async write(value) {
          await client.query('CREATE TABLE IF NOT EXISTS t (v text)')
          await client.query('INSERT INTO t VALUES ($1)', [value])
        },
        read: async () => (await client.query('SELECT v FROM t')).rows[0]?.v,
        close: () => client.end(),
      }
    },
  },
  mariadb: {
    start: mariadbServer,
    refusal: /Access denied/,
    async connect(url) {
      const connection = await createConnection(url)
      connection.on('error', () => {})
      return {
        async write(value) {
          await connection.query('CREATE TABLE IF NOT EXISTS t (v text) ENGINE=InnoDB')
          await connection.execute('INSERT INTO t VALUES (?)', [value])
        },
        read: async () => ((await connection.query('SELECT v FROM t'))[0] as { v: string }[])[0]?.v,
        close: async () => connection.destroy(),
      }
    },
  },
}

for (const [name, { start, connect, refusal }] of Object.entries(services)) {
  let port: number | undefined

  t.test(name, async t => {
    const server = await start(t)
    if (server === undefined) return
    const { url, password } = server
    port = server.port

    t.test('answers its driver', async t => {
      const connection = await connect(url)
      t.teardown(() => connection.close())
      await connection.write('é 1')
      t.equal(await connection.read(), 'é 1')
    })

    t.test('refuses a wrong password', async t => {
      await t.rejects(connect(url.replace(password, 'wrong')), { message: refusal })
    })

    t.test('is gone after stop, and has its data and its port again after start', async t => {
      const standing = await connect(url)
      await server.stop()
      await t.rejects(standing.read())
      t.equal(await knock(server.port), 'ECONNREFUSED')
      await server.start()
      const connection = await connect(url)
      t.teardown(() => connection.close())
      t.equal(await connection.read(), 'é 1')
    })

    t.test('is silent while it is paused, to who is there and who comes, and answers then', async t => {
      const standing = await connect(url)
      t.teardown(() => standing.close())
      server.pause()
      const answers: string[] = []
      const first = standing.read().then(() => answers.push('who was there'))
      const second = connect(url).then(connection => {
        t.teardown(() => connection.close())
        answers.push('who came')
      })
      t.equal(await knock(server.port), 'connected')
      // many times what a server that runs would need
      await setTimeout(100)
      t.same(answers, [])
      server.resume()
      await Promise.all([first, second])
      t.same(answers.sort(), ['who came', 'who was there'])
    })

    t.test('is stopped also while it is paused', async t => {
      server.pause()
      await server.stop()
      t.equal(await knock(server.port), 'ECONNREFUSED')
    })

    t.test('may be left paused, with a connection', async t => {
      await server.start()
      const connection = await connect(url)
      server.pause()
      t.equal(await knock(server.port), 'connected')
      connection.close().catch(() => {})
    })
  })

  t.test(`${name} is gone with its test`, async t => {
    if (port !== undefined) t.equal(await knock(port), 'ECONNREFUSED')
  })
}
