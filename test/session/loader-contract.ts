import type { Test } from 'tap'
import { tombstoneOf } from '../../session/life.ts'
import type { Awaitable, LoaderContext, Lock, SessionLoader, SessionRecord } from '../../session/loader.ts'
import { SessionError } from '../../session/session-error.ts'
import { forcedIdOf } from '../../session/session-id.ts'
import { sessionKey, sessionName } from '../../session/session-key.ts'

const context = { serviceId: 'shop' }
/** Of a caller that has the lock. */
const holding = (lock: Lock): LoaderContext => ({ ...context, lock })
const id = 'A'.repeat(27)
const now = Date.UTC(2026, 10, 24)

const record = (more: Partial<SessionRecord> = {}): SessionRecord => ({
  serviceId: 'shop',
  data: '{"visits":1}',
  createdAt: now,
  usedAt: now,
  version: 1,
  ...more,
})

/** What a user's loader may do otherwise. */
interface Traits {
  /** False: what was ended is gone. */
  readonly leavesTombstones?: boolean
  /** False: nothing is ever removed. */
  readonly canPurge?: boolean
}

/** What every loader keeps to; `open` gives one with an empty store. */
export function loaderContract(
  t: Test,
  open: (t: Test) => Awaitable<SessionLoader>,
  { leavesTombstones = true, canPurge = true }: Traits = {},
): void {
  t.test('what was saved is loaded, as it was', async t => {
    const loader = await open(t)
    t.equal(await loader.load(id, context), undefined)
    t.equal(await loader.save(id, record({ endsAt: now + 5, expiresAt: now + 9, label: 'ada' }), context), 'saved')
    t.same(await loader.load(id, context), record({ endsAt: now + 5, expiresAt: now + 9, label: 'ada' }))
  })

  t.test('a save over another version than the store has stores nothing', async t => {
    const loader = await open(t)
    await loader.save(id, record(), context)
    t.equal(await loader.save(id, record({ data: '{}' }), context), 'conflict', 'made twice')
    t.equal(await loader.save(id, record({ data: '{"visits":2}', version: 2 }), context), 'saved')
    t.equal(await loader.save(id, record({ data: '{}', version: 2 }), context), 'conflict', 'a slower one')
    t.equal(await loader.save(id, record({ data: '{}', version: 9 }), context), 'conflict', 'one from nowhere')
    t.equal(await loader.save('B'.repeat(27), record({ version: 2 }), context), 'conflict', 'what is gone')
    t.equal(await loader.load('B'.repeat(27), context), undefined)
    t.equal((await loader.load(id, context))?.data, '{"visits":2}')
  })

  t.test('no slower request writes over a tombstone', async t => {
    const loader = await open(t)
    await loader.save(id, record(), context)
    t.equal(await loader.save(id, tombstoneOf(record(), now), context), 'saved')
    t.equal(await loader.save(id, record({ version: 2 }), context), 'conflict')
    if (!leavesTombstones) return t.equal(await loader.load(id, context), undefined)
    t.match(await loader.load(id, context), { ended: true, data: '{}' })
    t.equal(await loader.save(id, record({ version: 1 }), context), 'conflict')
  })

  t.test('an id belongs to one service', async t => {
    const loader = await open(t)
    await loader.save(id, record(), context)
    t.equal(await loader.load(id, { serviceId: 'other' }), undefined)
  })

  t.test('ids and data of any kind are only names and text', async t => {
    const loader = await open(t)
    for (const hostile of ['../../etc/passwd', 'a\0b', 'ä/ö', '.', '..', '', 'x'.repeat(10_000)]) {
      const data = JSON.stringify({ text: `${hostile}\n\0"` })
      t.equal(await loader.save(hostile, record({ data }), context), 'saved')
      t.equal((await loader.load(hostile, context))?.data, data)
    }
  })

  t.test('large records come back whole, growing and shrinking', async t => {
    const loader = await open(t)
    let version = 0
    for (const size of [10, 1900, 2100, 8000, 9000, 40_000, 200_000, 1_100_000, 300, 600_000]) {
      const data = JSON.stringify({ text: 'ä'.repeat(size / 2) })
      version++
      t.equal(await loader.save(id, record({ data, version }), context), 'saved', String(size))
      t.same(await loader.load(id, context), record({ data, version }), String(size))
    }
  })

  t.test('the lock: 2,000 increments, read and written across a wait, are 2,000', async t => {
    const loader = await open(t)
    await loader.save(id, record({ data: '{"visits":0}' }), context)
    const increment = async (): Promise<void> => {
      const lock = await loader.lock(id, context, 20_000)
      const before = (await loader.load(id, holding(lock)))!
      await Promise.resolve()
      const visits = JSON.parse(before.data).visits + 1
      const after = { ...before, data: JSON.stringify({ visits }), version: before.version + 1 }
      if ((await loader.save(id, after, { ...holding(lock), isLast: visits % 2 === 0 })) !== 'saved')
        t.fail('a conflict')
      await lock.release()
    }
    await Promise.all(Array.from({ length: 2000 }, increment))
    t.equal((await loader.load(id, context))!.data, '{"visits":2000}')
  })

  t.test('who has no lock writes nothing while another holds it', async t => {
    const loader = await open(t)
    await loader.save(id, record(), context)
    const lock = await loader.lock(id, context, 1000)
    const before = (await loader.load(id, holding(lock)))!
    const other = loader.save(id, record({ data: '{"visits":7}', version: 2 }), context)
    t.equal(await loader.save(id, record({ data: '{"visits":2}', version: 2 }), holding(lock)), 'saved')
    t.same(await loader.load(id, holding(lock)), { ...before, data: '{"visits":2}', version: 2 })
    await lock.release()
    t.equal(await other, 'conflict')
    t.equal((await loader.load(id, context))!.data, '{"visits":2}')
  })

  t.test('nor does he begin a session that all visitors share while another holds it', async t => {
    const loader = await open(t)
    const forced = forcedIdOf('all')
    const lock = await loader.lock(forced, context, 1000)
    const other = loader.save(forced, record({ data: '{"visits":7}' }), context)
    t.equal(await loader.save(forced, record(), holding(lock)), 'saved')
    await lock.release()
    t.equal(await other, 'conflict')
    t.equal((await loader.load(forced, context))!.data, '{"visits":1}')
  })

  t.test('a holder may save as often as it likes, and after its last save the next has the lock', async t => {
    const loader = await open(t)
    await loader.save(id, record(), context)
    const lock = await loader.lock(id, context, 1000)
    await loader.load(id, holding(lock))
    for (const version of [2, 3, 4])
      t.equal(await loader.save(id, record({ version }), { ...holding(lock), isLast: version === 4 }), 'saved')
    await lock.release()
    const next = await loader.lock(id, context, 1000)
    t.equal((await loader.load(id, holding(next)))!.version, 4)
    await next.release()
  })

  t.test('a lock on what is not stored leaves nothing, and what is begun under it is stored', async t => {
    const loader = await open(t)
    const lock = await loader.lock(id, context, 1000)
    t.equal(await loader.load(id, holding(lock)), undefined)
    await lock.release()
    t.equal(await loader.load(id, context), undefined)
    const again = await loader.lock(id, context, 1000)
    t.equal(await loader.save(id, record(), { ...holding(again), isLast: true }), 'saved')
    await again.release()
    t.same(await loader.load(id, context), record())
  })

  t.test('the lock is given in the order of arrival', async t => {
    const loader = await open(t)
    const order: number[] = []
    const first = await loader.lock(id, context, 5000)
    const waiters = Array.from({ length: 100 }, async (_, number) => {
      const lock = await loader.lock(id, context, 20_000)
      order.push(number)
      await lock.release()
    })
    await first.release()
    await Promise.all(waiters)
    t.same(
      order,
      [...order].sort((a, b) => a - b),
    )
  })

  t.test('waiting ends with an error, and who waited in vain is forgotten', async t => {
    const loader = await open(t)
    const lock = await loader.lock(id, context, 1000)
    await t.rejects(async () => loader.lock(id, context, 20), { code: 'lock-timeout' })
    await t.rejects(async () => loader.lock(id, context, 20), SessionError)
    await lock.release()
    await lock.release()
    const next = await loader.lock(id, context, 1000)
    const other = await loader.lock('B'.repeat(27), context, 1000)
    t.pass('another session is free')
    await other.release()
    await next.release()
  })

  t.test('purge removes what is over by its own record, and nothing else', async t => {
    const loader = await open(t)
    if (!canPurge) return t.equal(await loader.purge(now), 0)
    await loader.save('over', record({ endsAt: now - 1 }), context)
    await loader.save('just', record({ endsAt: now }), context)
    await loader.save('later', record({ endsAt: now + 1 }), context)
    await loader.save('ever', record(), context)
    await loader.save('locked', record({ endsAt: now - 1 }), context)
    const lock = await loader.lock('locked', context, 1000)
    const removed = await loader.purge(now)
    t.ok(await loader.load('locked', holding(lock)), 'what is in use stays')
    t.equal(await loader.load('over', context), undefined)
    t.equal(await loader.load('just', context), undefined)
    t.ok(await loader.load('later', context))
    t.ok(await loader.load('ever', context))
    await lock.release()
    t.equal(removed, 2)
  })

  t.test('what is stored can be listed and ended, by a key that is not its id', async t => {
    const loader = await open(t)
    if (loader.list === undefined) return t.pass('this one cannot be listed')
    const ids = Array.from({ length: 20 }, (_, number) => `id-${number}`)
    for (const one of ids) await loader.save(one, record({ label: one }), context)
    const listed = await Array.fromAsync(loader.list())
    t.same(new Set(listed.map(({ record }) => record.label)), new Set(ids))
    t.same(new Set(listed.map(({ key }) => key)), new Set(ids.map(one => sessionKey(sessionName('shop', one)))))
    const [first] = listed
    const same = await Array.fromAsync(loader.list(first!.key.slice(0, 20)))
    t.same(
      same.map(({ record }) => record),
      [first!.record],
    )
    await first!.end()
    const left = await loader.load(first!.record.label!, context)
    if (leavesTombstones) t.match(left, { ended: true, data: '{}' })
    else t.equal(left, undefined)
    t.equal(await loader.save(first!.record.label!, record({ version: 2 }), context), 'conflict')
  })
}
