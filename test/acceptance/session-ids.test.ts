import { join } from 'node:path'
import t from 'tap'
import { filesBelow } from '../support/files-below.ts'
import { counter, does, Jar, visit } from '../support/handlers.ts'
import { site } from '../support/site.ts'
import { exchange, head } from '../support/wire.ts'

/** `/` makes a link to `/count`, which counts and makes one too. */
const links = does(`
  const { session } = req.pso()
  if (req.pathInfo === 'count' || req.pathInfo === '/count') session.visits = (session.visits ?? 0) + 1
  return { visits: session.visits, id: session.id, link: req.pso().serviceUrl('count') }`)

const idIn = (link: string): string | null => new URL(link).searchParams.get('s')

t.test('21: an id in URLs: a link followed twice counts 1, 2 without cookies', async t => {
  const shop = (transport: string) => ({
    '.psoaccess': `PSOServiceId = s\nPSOSessionTransport = ${transport}`,
    'handler.ts': links,
  })
  const app = await site(t, { url: shop('url'), both: shop('cookie url') }, { development: true })
  const first = await app.inject('/url/')
  t.equal(first.headers['set-cookie'], undefined)
  const { link } = first.json()
  t.match(idIn(link), /^[\w-]+$/)
  for (const visits of [1, 2]) {
    const followed = await app.inject(link)
    t.match(followed.json(), { visits })
    t.equal(followed.headers['set-cookie'], undefined)
  }

  const jar = new Jar()
  const begun = await app.inject('/both/count')
  t.equal(idIn(begun.json().link), jar.take(begun.headers).value('s'), 'nobody knows yet whether the cookie is kept')
  t.equal((await app.inject(begun.json().link)).json().visits, 2, 'without cookies')
  const withCookie = await app.inject({ url: '/both/count', headers: jar.headers })
  t.equal(withCookie.json().visits, 3)
  t.equal(idIn(withCookie.json().link), null, 'with the cookie no link needs the id')
})

t.test('22: an id in a URL that the server never issued is a new session of another id', async t => {
  const tree = { '.psoaccess': 'PSOServiceId = s\nPSOSessionTransport = url', 'handler.ts': links }
  const app = await site(t, tree, { development: true })
  const id = 'A'.repeat(27)
  const { visits, link } = (await app.inject(`/count?s=${id}`)).json()
  t.equal(visits, 1)
  t.match(idIn(link), /^[\w-]{27}$/)
  t.not(idIn(link), id)
  t.equal((await app.inject(link)).json().visits, 2)
  t.equal((await app.inject(`/count?s=${id}`)).json().visits, 1)
})

t.test('23: each of the seven attributes of the cookie, in any letter case', async t => {
  const attributes = `
PSOCookieSession_Comment = hi
PSOCookieSession_Domain = example.test
PSOCookieSession_Max-Age = 60
PSOCookieSession_Path = /a
PSOCookieSession_Version = 1
PSOCookieSession_Secure = on
PSOCookieSession_expires = "Tue, 15 Apr 2031 19:00:00 GMT"`
  const app = await site(
    t,
    {
      a: {
        '.psoaccess': attributes,
        'handler.ts': counter,
        lower: { '.psoaccess': attributes.toLowerCase().replace('tue, 15 apr', 'Tue, 15 Apr'), 'handler.ts': counter },
        upper: { '.psoaccess': attributes.replace(/^\S+/gm, name => name.toUpperCase()), 'handler.ts': counter },
      },
    },
    { development: true },
  )
  for (const url of ['/a/', '/a/lower/', '/a/upper/']) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 200, answer.body)
    const [, ...parts] = String(answer.headers['set-cookie']).split('; ')
    for (const part of ['Comment=hi', 'Domain=example.test', 'Max-Age=60', 'Path=/a', 'Version=1', 'Secure'])
      t.ok(parts.includes(part), `${url} ${part} in ${parts}`)
    t.ok(
      parts.some(part => /^expires=Tue, 15 Apr 2031 19:00:00 GMT$/i.test(part)),
      `${url} expires in ${parts}`,
    )
  }
})

t.test('24: a cookie of another name, or with an id of no form, is a new session and no file elsewhere', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = MI6Service', 'handler.ts': counter }, { development: true })
  const known = new Jar().take((await app.inject('/')).headers).value('MI6Service')!
  const top = join(app.root, '..')
  const elsewhere = (): string[] => filesBelow(top).filter(name => !name.startsWith('.pso/sessions/'))
  const before = elsewhere()
  const ids = new Set([known])
  for (const cookie of [
    `XMI6Service=${known}`,
    `MI6ServiceX=${known}`,
    'MI6Service=../x',
    'MI6Service=..%2fx',
    'MI6Service=%2e%2e',
    'MI6Service=%2e%2e/x',
    'MI6Service=%00',
    `MI6Service=${known}%00`,
    `MI6Service=${'x'.repeat(10_240)}`,
  ]) {
    const answer = await app.inject({ url: '/', headers: { cookie } })
    t.equal(answer.statusCode, 200, cookie.slice(0, 40))
    t.equal(visit(answer.body), 1, cookie.slice(0, 40))
    const id = new Jar().take(answer.headers).value('MI6Service')!
    t.notOk(ids.has(id), 'a new id')
    t.notMatch(cookie, id)
    ids.add(id)
  }
  // a NUL as it is can stand in no HTTP header: node's parser answers 400 before anything of ours sees it
  const withNul = head('GET /', `Cookie: MI6Service=${known}\0`, 'Connection: close')
  t.match(await exchange(await app.url(), withNul), /^HTTP\/1\.1 400 /)
  t.same(elsewhere(), before)
  t.equal(filesBelow(join(top, '.pso/sessions')).length, ids.size)
})

t.test('25: a well-formed id that was never issued is not adopted', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': counter }, { development: true })
  const issued = new Jar().take((await app.inject('/')).headers).value('s')!
  const never = issued.replace(/^./, first => (first === 'A' ? 'B' : 'A'))
  const answer = await app.inject({ url: '/', headers: { cookie: `s=${never}` } })
  t.equal(visit(answer.body), 1)
  const id = new Jar().take(answer.headers).value('s')
  t.match(id, /^[\w-]{27}$/)
  t.notOk([issued, never].includes(id!))
  t.equal(visit((await app.inject({ url: '/', headers: { cookie: `s=${never}` } })).body), 1, 'nor later')
})

t.test('26: 10,000 ids are distinct, have at least 128 bits, and begin with no counter or time', async t => {
  const app = await site(
    t,
    { '.psoaccess': 'PSOServiceId = s\nPSOSessionLoader = memory:', 'handler.ts': counter },
    { development: true },
  )
  const ids: string[] = []
  for (let request = 0; request < 10_000; request++)
    ids.push(new Jar().take((await app.inject('/')).headers).value('s')!)
  t.equal(new Set(ids).size, 10_000)
  const [length] = new Set(ids.map(id => id.length))
  t.ok(ids.every(id => id.length === length))
  const bits = Array.from({ length: length! }, (_, at) => entropy(ids.map(id => id[at]!)))
  t.ok(bits.reduce((sum, one) => sum + one) >= 128, `${bits}`)
  // random characters of 64 have 6 bits each; the last of 160 bits has the 4 that are left
  t.same(
    bits.slice(0, -1).filter(one => one < 5.9),
    [],
    'every place of an id changes',
  )
  t.ok(
    ids.slice(1).every((id, at) => id.slice(0, 8) !== ids[at]!.slice(0, 8)),
    'no two in turn begin alike',
  )
  t.not(ids.toSorted().join(), ids.join(), 'they have no order')
})

/** Shannon's, in bits, of what stands at one place. */
function entropy(characters: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const one of characters) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts.values()].reduce((bits, count) => {
    const share = count / characters.length
    return bits - share * Math.log2(share)
  }, 0)
}
