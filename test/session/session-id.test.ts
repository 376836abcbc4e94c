import t from 'tap'
import { forcedIdOf, isAnyId, isSessionId, newSessionId } from '../../session/session-id.ts'

t.test('10,000 ids: all different, of 160 bits each, no place of them with a pattern', async t => {
  const ids = Array.from({ length: 10_000 }, newSessionId)
  t.equal(new Set(ids).size, ids.length)
  t.ok(ids.every(isSessionId))
  // 26 places of 64 letters and a last one of 16: the expected value is 156.25 a letter, six deviations are 75
  for (let place = 0; place < 26; place++) {
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(id[place]!, (counts.get(id[place]!) ?? 0) + 1)
    t.ok(counts.size === 64 && [...counts.values()].every(count => Math.abs(count - 156.25) < 90), `place ${place}`)
  }
})

t.test('the forms', async t => {
  const id = newSessionId()
  for (const text of ['', `${id}x`, id.slice(1), id.replace(/.$/, '='), `${id}\n`, 'ä'.repeat(27), '../'.repeat(9)])
    t.notOk(isSessionId(text), text)
  t.ok(isAnyId('007') && isAnyId('x'.repeat(128)))
  t.notOk(isAnyId('') || isAnyId('x'.repeat(129)) || isAnyId('a.b') || isAnyId('a/b'))
  t.notOk(isSessionId(forcedIdOf(id)), 'a cookie cannot present a forced id')
})
