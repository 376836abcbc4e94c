import t from 'tap'
import { type CookieRequest, cookieAdvice } from '../../server/cookie-advice.ts'
import { counter, does } from '../support/handlers.ts'
import { site } from '../support/site.ts'

const page = { secure: false, hostname: 'www.example.test', path: '/shop/', now: 0 }

const rulesOf = (setCookie: string, request: Partial<CookieRequest> = {}): string[] =>
  cookieAdvice(setCookie, true, { ...page, ...request }).map(({ rule }) => rule)

t.test('what browsers refuse is told by its rule, what they keep is not', async t => {
  for (const [setCookie, request, rules] of [
    ['s=1; Path=/; HttpOnly; SameSite=Lax', {}, []],
    ['s=1; Path=/; Secure', {}, ['secure']],
    ['s=1; Path=/; Secure', { secure: true }, []],
    ['s=1; Path=/; Secure', { hostname: 'localhost' }, []],
    ['s=1; Path=/; Secure', { hostname: 'shop.localhost' }, []],
    ['s=1; Path=/; Secure', { hostname: '127.0.0.1' }, []],
    ['s=1; Path=/; Secure', { untrustedProxy: '192.0.2.1' }, ['proxy']],
    ['s=1; Path=/', { untrustedProxy: '192.0.2.1' }, ['proxy']],
    ['s=1; Path=/; Secure', { untrustedProxy: '192.0.2.1', secure: true }, []],
    ['s=1; Path=/; SameSite=None', {}, ['samesite']],
    ['s=1; Path=/; Secure; SameSite=None', { secure: true }, []],
    ['s=1; Path=/; Partitioned', {}, ['partitioned']],
    ['__Secure-s=1; Path=/', {}, ['prefix']],
    ['__Host-s=1; Path=/shop; Secure', { secure: true }, ['prefix']],
    ['__Host-s=1; Path=/; Secure', { secure: true }, []],
    ['s=1; Path=/; Domain=example.test', {}, []],
    ['s=1; Path=/; Domain=.Example.test', {}, []],
    ['s=1; Path=/; Domain=www.example.test', {}, []],
    ['s=1; Path=/; Domain=ample.test', {}, ['domain']],
    ['s=1; Path=/; Domain=shop.example.test', {}, ['domain']],
    ['s=1; Path=/; Domain=test', {}, ['suffix']],
    ['s=1; Path=/; Domain=intranet', { hostname: 'intranet' }, []],
    ['s=1; Path=/shop', {}, []],
    ['s=1; Path=/shop/', {}, []],
    ['s=1; Path=/sho', {}, ['path']],
    ['s=1; Path=/shop/cart', {}, ['path']],
    ['s=1; Path=/shop/', { path: '/shop' }, ['path']],
    ['s=1; Path=/; Max-Age=34560000', {}, []],
    ['s=1; Path=/; Max-Age=34560001', {}, ['age']],
    ['s=1; Path=/; Expires=Fri, 05 Feb 1971 00:00:00 GMT', {}, []],
    ['s=1; Path=/; Expires=Fri, 05 Feb 1971 00:00:01 GMT', {}, ['age']],
    [`s=1; Path=/${'x'.repeat(1024)}`, { path: `/${'x'.repeat(1024)}` }, ['length']],
  ] as const)
    t.same(rulesOf(setCookie, request), rules, setCookie.slice(0, 60))
})

t.test('the line to write is one that would be taken', async t => {
  const text = (setCookie: string, isSession: boolean): string =>
    cookieAdvice(setCookie, isSession, page)
      .map(advice => advice.text)
      .join()
  t.match(text('s=1; Path=/; Secure', true), /or write PSOCookieSession_Secure = off$/)
  t.match(text('s=1; Path=/; Secure', false), /or write Secure off in setCookie\(\)$/)
  t.match(text('__Host-s=1; Path=/; Secure', true), /or take the prefix off its name$/)
})

t.test('development says once, for each service and rule, what to write; production says nothing', async t => {
  const tree = {
    a: { '.psoaccess': 'PSOServiceId = a\nPSOCookieSession_Secure = on', 'handler.ts': counter },
    b: { '.psoaccess': 'PSOServiceId = b\nPSOCookieSession_Domain = other.test', 'handler.ts': counter },
    c: { '.psoaccess': '', 'handler.ts': does("req.pso().setCookie('mine', 'x', { sameSite: 'none' }); return 'c'") },
  }
  const app = await site(t, tree, { development: true })
  const headers = { host: 'www.example.test' }
  for (const url of ['/a/', '/a/', '/b/', '/c/']) t.equal((await app.inject({ url, headers })).statusCode, 200)
  const lines = app.errorLog().trim().split('\n')
  t.equal(lines.length, 3)
  t.match(
    lines[0],
    /\[warn\] .*the session cookie a: it is Secure, .*TrustProxy = ADDRESS.*PSOCookieSession_Secure = off/,
  )
  t.match(lines[1], /the session cookie b: its Domain is other\.test, and a page of www\.example\.test/)
  t.match(lines[2], /the cookie mine: SameSite=None is refused without Secure/)

  const production = await site(t, tree)
  for (const url of ['/a/', '/b/', '/c/']) await production.inject({ url, headers })
  t.equal(production.errorLog(), '')
})

t.test('a proxy that TrustProxy does not name is named, and one that it names makes the cookie Secure', async t => {
  const tree = { '.psoaccess': 'PSOServiceId = a', 'handler.ts': counter }
  const headers = { host: 'www.example.test', 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }
  const wary = await site(t, tree, { development: true })
  t.notMatch((await wary.inject({ url: '/', headers })).headers['set-cookie'], /Secure/)
  t.match(wary.errorLog(), /the session cookie a: .*write TrustProxy = 127\.0\.0\.1 in server\.ini/)
  const trusting = await site(t, tree, { development: true, ini: 'TrustProxy = 127.0.0.1' })
  t.match((await trusting.inject({ url: '/', headers })).headers['set-cookie'], /; Secure/)
  t.equal(trusting.errorLog(), '')
})

t.test('a cookie over 4,096 bytes is an error with its name and size', async t => {
  const app = await site(t, {
    own: {
      '.psoaccess': '',
      'handler.ts': does("req.pso().setCookie('mine', 'x'.repeat(Number(req.args))); return 'a'"),
    },
    long: { '.psoaccess': `PSOCookieSession_Comment = ${'x'.repeat(1025)}`, 'handler.ts': counter },
  })
  // `mine=…; Path=/` is 13 bytes longer than its value
  t.equal((await app.inject('/own/?4083')).statusCode, 200)
  t.equal((await app.inject('/own/?4084')).statusCode, 500)
  t.match(app.errorLog(), /the cookie mine has 4097 bytes with its attributes, 4096 are allowed/)
  t.equal((await app.inject('/long/')).statusCode, 500)
  t.match(app.errorLog(), /\.psoaccess:1: PSOCookieSession_Comment: expected 1024 characters or fewer, got 1025/)
})
