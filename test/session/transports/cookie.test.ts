import t from 'tap'
import { cookieTransport, cookieValues } from '../../../session/transports/cookie.ts'

const presented = { cookieHeader: undefined, query: undefined, secure: false }
const keeping = { serviceId: 's', attributes: {}, presented, expiresAt: undefined, now: 0 }
const overTls = { ...presented, secure: true }

t.test('the name is matched whole, and of several cookies all are candidates in their order', async t => {
  for (const [header, values] of [
    ['s=a', ['a']],
    ['s=a; s=b;s=c', ['a', 'b', 'c']],
    ['x=s=a', []],
    ['xs=a; sx=b; S=c; $s=d', []],
    [' s = a ', ['a']],
    ['s="a"', ['a']],
    ['s="a', ['"a']],
    ['s=""', ['']],
    ['s', []],
    ['s=', ['']],
    ['s=a=b', ['a=b']],
    ['=s; ;;s=a;', ['a']],
    ['\u00a0s=a', []],
    ['x="; s=a; "', ['a']],
  ] as const)
    t.same(cookieValues(header, 's'), values, header)
})

t.test('an expiry is told twice, attributes go before it, and the cookie is taken back with the same ones', async t => {
  const give = (more: object): string | undefined => cookieTransport.give('id', { ...keeping, ...more })
  t.equal(give({}), 's=id; Path=/; HttpOnly; SameSite=Lax')
  t.equal(give({ presented: overTls }), 's=id; Path=/; Secure; HttpOnly; SameSite=Lax')
  t.equal(give({ presented: overTls, attributes: { secure: false } }), 's=id; Path=/; HttpOnly; SameSite=Lax')
  t.equal(
    give({ expiresAt: 60_001 }),
    's=id; Path=/; Expires=Thu, 01 Jan 1970 00:01:00 GMT; Max-Age=61; HttpOnly; SameSite=Lax',
  )
  t.equal(give({ expiresAt: 60_000, attributes: { maxAge: 5 } }), 's=id; Path=/; Max-Age=5; HttpOnly; SameSite=Lax')
  const attributes = { domain: 'a.test', path: '/p', secure: true, partitioned: true, sameSite: 'None' as const }
  t.equal(
    cookieTransport.takeBack({ ...keeping, attributes, expiresAt: 60_000 }),
    's=; Path=/p; Domain=a.test; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; SameSite=None; Partitioned',
  )
})

t.test('what would make another attribute or field of it, and what is too long, is an error', async t => {
  for (const attributes of [
    { path: '/; Domain=evil' },
    { comment: 'a\r\nX: y' },
    { domain: 'ä' },
    { comment: 'x'.repeat(5000) },
  ])
    t.throws(() => cookieTransport.give('id', { ...keeping, attributes }), { code: 'bad-cookie' })
  t.throws(() => cookieTransport.give('id', { ...keeping, attributes: { comment: 'x'.repeat(4051) } }), {
    message: 'the cookie s has 4097 bytes with its attributes, 4096 are allowed',
  })
  t.doesNotThrow(() => cookieTransport.give('id', { ...keeping, attributes: { comment: 'x'.repeat(4050) } }))
  for (const attributes of [{ path: '/x' }, { domain: 'a.test' }])
    t.throws(() => cookieTransport.give('id', { ...keeping, serviceId: '__host-s', attributes }), {
      code: 'bad-cookie',
    })
  for (const serviceId of ['', 'a b', 'a=b', 'a;b', 'ä'])
    t.throws(() => cookieTransport.give('id', { ...keeping, serviceId }), { code: 'bad-cookie' })
})
