import t from 'tap'
import { LEASE_MS, Leases } from '../../../session/loaders/leases.ts'

t.test('a lease is over when one sign was seen for its whole length', async t => {
  let now = 100
  const leases = new Leases(() => now)
  t.notOk(leases.isOver('a', '1', now), 'seen first')
  t.notOk(leases.isOver('a', '1', now + LEASE_MS - 1))
  t.ok(leases.isOver('a', '1', now + LEASE_MS))
  t.ok(leases.isOver('a', '1', now + LEASE_MS + 1), 'and stays so')
  now += LEASE_MS
  t.notOk(leases.isOver('a', '2', now), 'another sign')
  t.notOk(leases.isOver('b', '1', now), 'of another file')
  t.ok(leases.isOver('a', '2', now + LEASE_MS))
})

t.test('one who was stopped in his look counts from its end', async t => {
  const leases = new Leases(() => 60_000)
  t.notOk(leases.isOver('a', '1', 0))
  t.notOk(leases.isOver('a', '1', 60_001))
})

t.test('what is forgotten is seen for the first time again', async t => {
  const leases = new Leases(() => 0)
  for (const file of ['a', 'b', 'c']) leases.isOver(file, '1', 0)
  leases.forget('a')
  leases.keep(new Set(['a', 'c']))
  t.same(
    ['a', 'b', 'c'].map(file => leases.isOver(file, '1', LEASE_MS)),
    [false, false, true],
  )
})
