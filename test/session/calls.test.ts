import t, { type Test } from 'tap'
import type { SessionLoader } from '../../session/loader.ts'
import { MemoryLoader } from '../../session/loaders/memory.ts'
import { RemoteLoader } from '../../session/loaders/remote-loader.ts'
import { abandonSession, cookieOf, finishSession } from '../../session/open-session.ts'
import { StoreInMemory } from './loaders/store-in-memory.ts'
import { service } from './service.ts'

/** What has to come out alike where the loader answers at once and where it answers later. */
const kinds: readonly (readonly [string, (t: Test) => SessionLoader])[] = [
  ['memory', () => new MemoryLoader()],
  [
    'remote',
    t => {
      const loader = new RemoteLoader(new StoreInMemory())
      t.teardown(() => loader.close())
      return loader
    },
  ],
]

for (const [kind, make] of kinds)
  for (const lock of ['on', 'merge', 'off'] as const) {
    const name = `${kind}, PSOSessionLock = ${lock}`

    t.test(`${name}: calls that nobody awaits come one after another`, async t => {
      const { request, dataOf } = service(make(t), { lock })
      const id = await request(undefined, session => {
        session.a = 1
        void session.save()
        session.b = 2
        void session.save()
      })
      await request(id, session => {
        session.c = 3
        void session.save()
        void session.update(one => (one.a += 1))
        void session.update(async one => {
          const { a } = one
          await new Promise(setImmediate)
          one.a = a + 1
        })
        void session.release()
        void session.update(one => (one.a += 1))
      })
      t.same(await dataOf(id), { a: 4, b: 2, c: 3 })
    })

    t.test(`${name}: an end is not undone by a save that is under way`, async t => {
      for (const call of ['save', 'release', 'regenerate', 'update'] as const) {
        const { open, request } = service(make(t), { lock })
        const id = await request(undefined, session => (session.user = 'ada'))
        const session = await open(id)
        session.page = 1
        void session[call](() => {})
        session.invalidate()
        t.equal(session.status, 'ended')
        await (async () => finishSession(session))().catch(() => {})
        t.equal(session.status, 'ended', call)
        t.match(cookieOf(session), /Max-Age=0/)
        for (const known of [id, session.id]) {
          const after = await open(known)
          t.equal(after.status, 'new', call)
          await abandonSession(after)
        }
      }
    })

    t.test(`${name}: label, expiry and use that change during a save are saved by the next`, async t => {
      const loader = make(t)
      const { clock, open, request } = service(loader, { lock })
      const id = await request(undefined, session => (session.user = 'ada'))
      await request(id, session => {
        session.page = 1
        void session.save()
        session.label('ada')
        session.expire(900)
      })
      const record = (await loader.load(id, { serviceId: 's' }))!
      t.equal(record.label, 'ada')
      t.equal(record.expiresAt, clock.now + 900_000)
      await abandonSession(await open(id))
    })

    t.test(`${name}: an update may call the session's own methods`, async t => {
      const { request, dataOf } = service(make(t), { lock })
      const id = await request(undefined, session => (session.n = 0))
      await request(id, async session => {
        await session.update(async one => {
          one.n += 1
          await one.save()
          await one.update(inner => (inner.n += 1))
          one.m = 1
          await one.release()
          one.last = true
        })
        await session.update(async one => {
          one.n += 1
          await one.save()
          one.k = 1
        })
      })
      t.same(await dataOf(id), { n: 3, m: 1, k: 1, last: true })
    })

    t.test(`${name}: regenerate() does not bring back a session that was ended meanwhile`, async t => {
      const { open, request } = service(make(t), { lock })
      const id = await request(undefined, session => (session.user = 'ada'))
      const slow = await open(id)
      if (lock === 'on') await slow.release()
      await request(id, session => session.invalidate())
      await t.rejects(slow.regenerate(), { code: 'conflict' })
      await t.rejects(async () => finishSession(slow), { code: 'conflict' })
      for (const known of [id, slow.id]) t.equal((await open(known)).status, 'new')
    })

    t.test(`${name}: regenerate() and what another request wrote meanwhile`, async t => {
      const { open, request, dataOf } = service(make(t), { lock })
      const old = await request(undefined, session => (session.user = 'ada'))
      const slow = await open(old)
      if (lock === 'on') await slow.release()
      await request(old, session => (session.page = 1))
      slow.mine = 1
      if (lock === 'on') {
        await t.rejects(slow.regenerate(), { code: 'conflict' })
        await abandonSession(slow)
        t.same(await dataOf(old), { user: 'ada', page: 1 })
        return
      }
      await slow.regenerate()
      await finishSession(slow)
      t.not(slow.id, old)
      t.same(await dataOf(slow.id!), lock === 'merge' ? { user: 'ada', page: 1, mine: 1 } : { user: 'ada', mine: 1 })
      t.equal((await open(old)).status, 'new')
    })
  }

t.test('a call that fails within an update, awaited by nobody, is a failed save', async t => {
  const { open } = service(new MemoryLoader())
  const session = await open()
  await session.update(one => {
    void one.update(() => {
      throw new Error('no')
    })
  })
  await t.rejects(async () => finishSession(session), { message: 'no' })
})

t.test('an end that could not be stored is stored by the next save', async t => {
  const loader = new MemoryLoader()
  const { open, request } = service(loader)
  const id = await request(undefined, session => (session.user = 'ada'))
  const session = await open(id)
  session.invalidate()
  t.intercept(loader, 'save', {
    value: () => {
      throw new Error('full')
    },
  })
  await t.rejects(session.save(), { message: 'full' })
  Reflect.deleteProperty(loader, 'save')
  await session.save()
  t.equal((await loader.load(id, { serviceId: 's' }))?.ended, true)
})

t.test('a forced session that nobody has made yet: update() counts exactly, 64 at once', async t => {
  for (const lock of ['on', 'merge', 'off'] as const) {
    const { request, open } = service(new MemoryLoader(), { lock, forcedId: 'all' })
    await Promise.all(
      Array.from({ length: 64 }, () =>
        request(undefined, async session => {
          await new Promise(setImmediate)
          await session.update(one => (one.n = (one.n ?? 0) + 1))
        }),
      ),
    )
    t.equal((await open(undefined, { lock: 'off' })).n, 64, lock)
  }
})

t.test('what another request has damaged meanwhile is an error without the data', async t => {
  const loader = new MemoryLoader()
  const { open, request } = service(loader, { lock: 'merge' })
  const id = await request(undefined, session => (session.user = 'ada'))
  const session = await open(id)
  const record = (await loader.load(id, { serviceId: 's' }))!
  await loader.save(id, { ...record, data: '{"card":4111', version: record.version + 1 }, { serviceId: 's' })
  session.page = 1
  const error = await t.rejects(session.save(), { code: 'cannot-load' })
  t.notMatch(String((error as Error | undefined)?.message), '4111')
  t.same({ ...session }, { user: 'ada', page: 1 }, 'its own data are as they were')
  await abandonSession(session)
})
