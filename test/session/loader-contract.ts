import type { Test } from 'tap'
import type { Release, SessionLoader, SessionRecord } from '../../session/loader.ts'
import { SessionError } from '../../session/session-error.ts'

const context = { serviceId: 'shop' }
/** Of a caller that has the lock. */
const locked = { ...context, isLocked: true }
const id = 'A'.repeat(27)
const now = Date.UTC(2026, 10, 24)

const record = (more: Partial<SessionRecord> = {}): SessionRecord => ({
  serviceId: 'shop',
  data: '{"visits":1}',
  createdAt: now,
  usedAt: now,
  version: 0,
  ...more,
})

/** What every loader of ours keeps to; `open` gives a fresh one. */
export function loaderContract(t: Test, open: (t: Test) => SessionLoader): void {
  t.test('what was saved is loaded, with the version it got', async t => {
    const loader = open(t)
    t.equal(await loader.load(id, context), undefined)
    t.equal(await loader.save(id, record({ endsAt: now + 5, expiresAt: now + 9 }), context), 'saved')
    t.same(await loader.load(id, context), record({ endsAt: now + 5, expiresAt: now + 9, version: 1 }))
  })

  t.test('a save of another version than the store has stores nothing', async t => {
    const loader = open(t)
    await loader.save(id, record(), context)
    t.equal(await loader.save(id, record({ data: '{}' }), context), 'conflict', 'made twice')
    t.equal(await loader.save(id, record({ data: '{"visits":2}', version: 1 }), context), 'saved')
    t.equal(await loader.save(id, record({ data: '{}', version: 1 }), context), 'conflict', 'a slower one')
    t.equal((await loader.load(id, context))?.data, '{"visits":2}')
  })

  t.test('what was removed leaves a tombstone, and no slower request writes over it', async t => {
    const loader = open(t)
    await loader.save(id, record(), context)
    await loader.remove!(id, context)
    t.match(await loader.load(id, context), { ended: true, data: '{}' })
    t.equal(await loader.save(id, record({ version: 1 }), context), 'conflict')
    t.equal(await loader.save(id, record({ version: 0 }), context), 'conflict')
    await loader.remove!('B'.repeat(27), context)
    t.equal(await loader.load('B'.repeat(27), context), undefined, 'removing what is not there is fine')
  })

  t.test('an id belongs to one service', async t => {
    const loader = open(t)
    await loader.save(id, record(), context)
    t.equal(await loader.load(id, { serviceId: 'other' }), undefined)
  })

  t.test('ids and data of any kind are only names and text', async t => {
    const loader = open(t)
    for (const hostile of ['../../etc/passwd', 'a\0b', 'ä/ö', '.', '..', '', 'x'.repeat(10_000)]) {
      const data = JSON.stringify({ text: `${hostile}\n\0"` })
      t.equal(await loader.save(hostile, record({ data }), context), 'saved')
      t.equal((await loader.load(hostile, context))?.data, data)
    }
  })

  t.test('large records come back whole, growing and shrinking', async t => {
    const loader = open(t)
    let version = 0
    for (const size of [10, 1900, 2100, 8000, 9000, 40_000, 200_000, 1_100_000, 300, 600_000]) {
      const data = JSON.stringify({ text: 'ä'.repeat(size / 2) })
      t.equal(await loader.save(id, record({ data, version }), context), 'saved', String(size))
      version++
      t.same(await loader.load(id, context), record({ data, version }), String(size))
    }
  })

  t.test('the lock: 2,000 increments, read and written across a wait, are 2,000', async t => {
    const loader = open(t)
    await loader.save(id, record({ data: '{"visits":0}' }), context)
    const increment = async (): Promise<void> => {
      const release = await loader.lock!(id, context, 20_000)
      const before = (await loader.load(id, locked))!
      await Promise.resolve()
      const visits = JSON.parse(before.data).visits + 1
      t.equal(await loader.save(id, { ...before, data: JSON.stringify({ visits }) }, locked), 'saved')
      await release()
    }
    await Promise.all(Array.from({ length: 2000 }, increment))
    t.equal((await loader.load(id, context))!.data, '{"visits":2000}')
  })

  t.test('who has no lock writes nothing while another holds it', async t => {
    const loader = open(t)
    await loader.save(id, record(), context)
    const release = await loader.lock!(id, context, 1000)
    const before = (await loader.load(id, locked))!
    const others = [loader.save(id, { ...before, data: '{"visits":7}' }, context), loader.remove!(id, context)]
    t.equal(await loader.save(id, { ...before, data: '{"visits":2}' }, locked), 'saved')
    t.equal((await loader.load(id, locked))!.data, '{"visits":2}')
    await release()
    t.equal(await others[0], 'conflict')
    await others[1]
    t.equal((await loader.load(id, context))!.ended, true)
  })

  t.test('the lock is given in the order of arrival', async t => {
    const loader = open(t)
    const order: number[] = []
    const first = await loader.lock!(id, context, 5000)
    const waiters = Array.from({ length: 100 }, async (_, number) => {
      const release = await loader.lock!(id, context, 5000)
      order.push(number)
      await release()
    })
    await first()
    await Promise.all(waiters)
    t.same(
      order,
      [...order].sort((a, b) => a - b),
    )
  })

  t.test('waiting ends with an error, and who waited in vain is forgotten', async t => {
    const loader = open(t)
    const release = await loader.lock!(id, context, 1000)
    await t.rejects(async () => loader.lock!(id, context, 20), { code: 'lock-timeout' })
    await t.rejects(async () => loader.lock!(id, context, 20), SessionError)
    await release()
    await release()
    const next = (await loader.lock!(id, context, 1000)) as Release
    const other = (await loader.lock!('B'.repeat(27), context, 20)) as Release
    t.pass('another session is free')
    await other()
    await next()
  })

  t.test('purge removes what is over by its own record, and nothing else', async t => {
    const loader = open(t)
    await loader.save('over', record({ endsAt: now - 1 }), context)
    await loader.save('just', record({ endsAt: now }), context)
    await loader.save('later', record({ endsAt: now + 1 }), context)
    await loader.save('ever', record(), context)
    await loader.save('locked', record({ endsAt: now - 1 }), context)
    const release = await loader.lock!('locked', context, 1000)
    const removed = await loader.purge!(now)
    t.ok(await loader.load('locked', locked), 'what is in use stays')
    t.equal(await loader.load('over', context), undefined)
    t.equal(await loader.load('just', context), undefined)
    t.ok(await loader.load('later', context))
    t.ok(await loader.load('ever', context))
    await release()
    t.ok(removed >= 2)
  })
}
