import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import type { SessionRecord } from '../../../session/loader.ts'
import { driver } from '../../../session/loaders/driver.ts'
import { self } from '../../../session/loaders/lock-owner.ts'
import { RedisStore } from '../../../session/loaders/redis.ts'
import { RemoteLoader } from '../../../session/loaders/remote-loader.ts'
import { onReport } from '../../../session/report.ts'
import { sessionKey, sessionName } from '../../../session/session-key.ts'
import { redisServer } from '../../support/services/redis-server.ts'
import { relayTo } from '../../support/services/relay.ts'
import { StoreInMemory } from './store-in-memory.ts'

const context = { serviceId: 'shop' }
const record = (visits: number, version: number): SessionRecord => ({
  serviceId: 'shop',
  data: JSON.stringify({ visits }),
  createdAt: 1,
  usedAt: 1,
  version,
})

/** One process's loader of a store. */
function loaderOf(t: Test, url: string): RemoteLoader {
  const loader = new RemoteLoader(new RedisStore(url))
  t.teardown(() => loader.close())
  return loader
}

async function increment(loader: RemoteLoader, id: string): Promise<number> {
  const lock = await loader.lock(id, context, 20_000)
  try {
    const before = (await loader.load(id, { ...context, lock }))!
    await new Promise(setImmediate)
    const visits = JSON.parse(before.data).visits + 1
    const answer = await loader.save(id, record(visits, before.version + 1), { ...context, lock, isLast: true })
    if (answer !== 'saved') throw new Error(answer)
    return visits
  } finally {
    lock.release()
  }
}

t.test('a session is locked and loaded in one round trip, saved and unlocked in another', async t => {
  const store = new StoreInMemory()
  const loader = new RemoteLoader(store)
  t.teardown(() => loader.close())
  await loader.save('x', record(0, 1), context)
  store.calls.length = 0
  await increment(loader, 'x')
  t.same(store.calls, ['lock', 'save and unlock'])
  store.calls.length = 0
  const lock = await loader.lock('x', context, 100)
  await loader.load('x', { ...context, lock })
  await lock.release()
  t.same(store.calls, ['lock', 'unlock'], 'where nothing is saved')
})

t.test(
  'requests of one process that wait for one another pass the lock on, and the store is only asked to save',
  async t => {
    const store = new StoreInMemory()
    const loader = new RemoteLoader(store)
    t.teardown(() => loader.close())
    await loader.save('x', record(0, 1), context)
    store.calls.length = 0
    await Promise.all(Array.from({ length: 5 }, () => increment(loader, 'x')))
    t.same(store.calls, ['lock', 'save', 'save', 'save', 'save', 'save and unlock'])
    t.equal(((await loader.load('x', context)) as SessionRecord).data, '{"visits":5}')
  },
)

t.test('a lock that this process gave up when its store did not answer hinders nobody', async t => {
  const store = new StoreInMemory()
  const loader = new RemoteLoader(store)
  t.teardown(() => loader.close())
  store.tokens.set(sessionKey(sessionName('shop', 'x')), `${self} 0`)
  const lock = await loader.lock('x', context, 100)
  await lock.release()
  t.same(store.calls, ['connect', 'lock', 'unlock', 'lock', 'unlock'])
})

t.test('the lock of a process elsewhere is waited for, and not taken', async t => {
  const store = new StoreInMemory()
  const loader = new RemoteLoader(store)
  t.teardown(() => loader.close())
  store.tokens.set(sessionKey(sessionName('shop', 'x')), '1 2 another-boot 3 4')
  await t.rejects(async () => loader.lock('x', context, 30), { code: 'lock-timeout' })
  t.notOk(store.calls.includes('unlock'))
  t.ok(store.calls.filter(call => call === 'lock').length <= 3, 'it is asked for once in 10 ms at most')
})

t.test('an answer that is an error fails the one request, an outage all of them', async t => {
  const store = new StoreInMemory()
  const loader = new RemoteLoader(store)
  t.teardown(() => loader.close())
  const said: string[] = []
  t.teardown(onReport(message => said.push(message)))
  store.failure = new Error('table is full')
  await t.rejects(async () => loader.save('x', record(0, 1), context), { code: 'unavailable' }, 'it cannot connect')
  store.failure = undefined
  while ((await Promise.allSettled([loader.load('x', context)]))[0]!.status === 'rejected')
    await new Promise(resolve => setTimeout(resolve, 20))
  await loader.save('x', record(0, 1), context)
  store.failure = new Error('table is full')
  await t.rejects(async () => loader.save('x', record(1, 2), context), {
    code: 'cannot-save',
    message: 'the session could not be saved, in store://test: table is full',
  })
  store.failure = undefined
  t.equal(((await loader.load('x', context)) as SessionRecord).version, 1)
  store.failure = new Error('outage')
  await t.rejects(async () => loader.load('x', context), { code: 'unavailable' })
  store.failure = undefined
  await t.rejects(async () => loader.load('x', context), { code: 'unavailable' }, 'until it has been tried again')
  t.equal(said.length, 3)
})

t.test('a store on the network', async t => {
  const server = await redisServer(t)
  if (server === undefined) return

  t.test('two processes on one session are exact, and neither keeps the other waiting for its whole work', async t => {
    const loaders = [loaderOf(t, server.url), loaderOf(t, server.url)]
    await loaders[0]!.save('two', record(0, 1), context)
    const order: number[] = []
    let left = 3000
    const visitor = async (side: number): Promise<void> => {
      while (left-- > 0) {
        await increment(loaders[side]!, 'two')
        order.push(side)
      }
    }
    await Promise.all(Array.from({ length: 32 }, (_, number) => visitor(number % 2)))
    t.equal((await loaders[0]!.load('two', context))!.data, '{"visits":3000}')
    const ofFirst = order.filter(side => side === 0).length
    t.ok(ofFirst > 600 && ofFirst < 2400, `${ofFirst} of 3000 by the first`)
  })

  t.test('the lock of a process of this machine that was killed is free at once', async t => {
    const loader = loaderOf(t, server.url)
    await loader.save('killed', record(1, 1), context)
    const holder = spawn(process.execPath, [join(import.meta.dirname, 'hold-remote.ts'), server.url, 'killed'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    await t.rejects(async () => loader.lock('killed', context, 100), { code: 'lock-timeout' }, 'while it lives')
    holder.kill('SIGKILL')
    await once(holder, 'close')
    const lock = await loader.lock('killed', context, 1000)
    lock.release()
  })

  t.test('who has lost its lock writes nothing', async t => {
    const loader = loaderOf(t, server.url)
    await loader.save('lost', record(1, 1), context)
    const lock = await loader.lock('lost', context, 1000)
    const held = { ...context, lock }
    await loader.load('lost', held)
    await forgetLock(server.url, sessionKey(sessionName('shop', 'lost')))
    t.equal(await loader.save('lost', record(2, 2), held), 'conflict')
    lock.release()
    t.equal((await loader.load('lost', context))!.data, '{"visits":1}')
  })

  t.test('a store that swallows: all fail within 3 s, later ones at once, and it is back soon after', async t => {
    const relay = await relayTo(t, server.port)
    const loader = loaderOf(t, server.url.replace(`:${server.port}`, `:${relay.port}`))
    const said: string[] = []
    t.teardown(onReport(message => said.push(message)))
    await loader.save('x', record(1, 1), context)
    const lock = await loader.lock('x', context, 1000)
    await relay.blackHole()
    const began = performance.now()
    const waiting = Array.from({ length: 50 }, () => loader.lock('x', context, 10_000))
    const saving = loader.save('x', record(2, 2), { ...context, lock, isLast: true })
    const all = await Promise.allSettled([saving, ...waiting])
    t.same(new Set(all.map(one => one.status === 'rejected' && one.reason.code)), new Set(['unavailable']))
    t.ok(performance.now() - began < 3000)
    lock.release()
    await t.rejects(async () => loader.load('y', context), { code: 'unavailable' })
    t.ok(performance.now() - began < 3500, 'what comes later is told at once')
    await relay.resume()
    const back = performance.now()
    let found: SessionRecord | undefined
    while (found === undefined)
      try {
        found = await loader.load('x', context)
      } catch {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    t.ok(performance.now() - back < 2000, 'it is back within 2 s')
    // the lock that could not be given back is no hindrance, whatever came of the save
    const again = await loader.lock('x', context, 1000)
    again.release()
    t.equal(said.length, 2, said.join('\n'))
    t.match(
      said[0],
      /^the session store redis:\/\/127\.0\.0\.1:\d+ cannot be used: no answer within 2 s; what needs it is answered 503/,
    )
    t.match(said[1], /is back after \d/)
    t.notMatch(said.join(), server.password)
  })

  for (const [what, url, message] of [
    ['a wrong password', server.url.replace(server.password, 'wrong'), /WRONGPASS/],
    ['nobody at the address', 'redis://:secret@127.0.0.1:1', /ECONNREFUSED/],
  ] as const)
    t.test(`${what} is said once, without the password`, async t => {
      const said: string[] = []
      t.teardown(onReport(message => said.push(message)))
      const loader = loaderOf(t, url)
      for (let time = 0; time < 3; time++)
        await t.rejects(async () => loader.load('x', context), { code: 'unavailable', message })
      t.equal(said.length, 1)
      t.notMatch(said[0], /secret|wrong@/)
    })

  t.test('a driver that is missing is a sentence that says what to install', async t => {
    await t.rejects(async () => driver('pso-no-such-package', () => import('pso-no-such-package' as string)), {
      code: 'no-driver',
      message: 'PSOSessionLoader needs the package pso-no-such-package: npm install pso-no-such-package',
    })
  })
})

/** As Redis does when the lease is over. */
async function forgetLock(url: string, key: string): Promise<void> {
  const client = createClient({ url })
  await client.connect()
  await client.del(`pso:lock:${key}`)
  client.destroy()
}
