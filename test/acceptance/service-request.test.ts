import t from 'tap'
import { asksForInput, does, Jar, tellsEnviron } from '../support/handlers.ts'
import { site } from '../support/site.ts'

t.test('28: form input by GET and by POST', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': asksForInput }, { development: true })
  const expected = ['1', '2', ['1', '2'], 'none', 'none', ['a', 'b']]
  t.same((await app.inject('/?a=1&a=2&b=3')).json(), expected)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  t.same((await app.inject({ method: 'POST', url: '/', headers, payload: 'a=1&a=2&b=3' })).json(), expected)
})

t.test('30: a redirect on a first visit is 302 or 301 with the cookie, and shows nothing that was written', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s',
      'handler.ts': does(`
        const { session } = req.pso()
        session.here = (session.here ?? 0) + 1
        req.write('written before')
        req.pso().redirect('/x', req.args === 'permanent')
        session.here = 'after'
        req.write('written after')`),
      shows: { '.psoaccess': '', 'handler.ts': does('return String(req.pso().session.here)') },
    },
    { development: true },
  )
  for (const [url, status] of [
    ['/', 302],
    ['/?permanent', 301],
  ] as const) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status)
    t.equal(answer.headers.location, '/x')
    t.match(answer.headers['set-cookie'], /^s=/)
    t.notMatch(answer.body, 'written')
    const { headers } = new Jar().take(answer.headers)
    t.equal((await app.inject({ url: '/shows/', headers })).body, '1')
  }
})

t.test('31: setStatus keeps the page; sendStatus ends the request', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': '',
      'handler.ts': does(`
        if (req.args === 'set') { req.pso().setStatus(404); req.write('a page of my own'); return OK }
        req.write('written before')
        req.pso().sendStatus(204)
        ;(globalThis as any).ranOn = true`),
    },
    { development: true },
  )
  const set = await app.inject('/?set')
  t.same([set.statusCode, set.body, set.headers['content-type']], [404, 'a page of my own', 'text/html; charset=utf-8'])
  const sent = await app.inject('/')
  t.same([sent.statusCode, sent.body], [204, ''])
  t.equal((globalThis as { ranOn?: boolean }).ranOn, undefined)
})

t.test('32: setHeaderOut replaces, addHeaderOut adds, in any letter case; a line break is an error', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': '',
      'handler.ts': does(`
        const p = req.pso()
        p.setHeaderOut('X-Set', 'first'); p.setHeaderOut('x-SET', 'last')
        p.addHeaderOut('X-Add', 'first'); p.addHeaderOut('x-ADD', 'last')
        if (req.args === 'set') p.setHeaderOut('X-Set', 'a\\r\\nInjected: yes')
        if (req.args === 'add') p.addHeaderOut('X-Add', 'a\\r\\nInjected: yes')
        if (req.args === 'name') p.addHeaderOut('X-Add: a\\r\\nInjected', 'yes')
        return 'text'`),
    },
    { development: true },
  )
  // as lines of a real answer
  const url = await app.url()
  const answer = await fetch(url)
  t.equal(answer.headers.get('x-set'), 'last')
  t.equal(answer.headers.get('x-add'), 'first, last')
  t.same((await app.inject('/')).headers['x-add'], ['first', 'last'], 'two lines')
  for (const query of ['set', 'add', 'name']) {
    const refused = await fetch(`${url}/?${query}`)
    t.equal(refused.status, 500, query)
    t.equal(refused.headers.get('injected'), null, query)
  }
})

t.test('33: a cookie comes back as it was set; a value that looks like data is text', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': '',
      'handler.ts': does(`
        const p = req.pso()
        if (req.args === 'set') p.setCookie('login', 'a b; c')
        return { login: p.getCookie('login', 'none') }`),
    },
    { development: true },
  )
  const set = await app.inject('/?set')
  const cookies = [set.headers['set-cookie'] ?? []].flat()
  t.equal(cookies.length, 1)
  // RFC 6265 4.1.1: no blank, quote, comma, semicolon or backslash in a value
  t.match(cookies[0], /^login=[!#-+\--:<-[\]-~]*(; [A-Za-z-]+(=[^;]*)?)*$/)
  const { headers } = new Jar().take(set.headers)
  t.same((await app.inject({ url: '/', headers })).json(), { login: 'a b; c' })

  for (const value of ["cos\\nsystem\\n(S'id'\\ntR.", '{"__proto__":{"a":1}}', '[1,2]', 'j:{"a":1}', 'true', '1']) {
    const cookie = `login=${value}`
    t.same((await app.inject({ url: '/', headers: { cookie } })).json(), { login: value })
  }
})

t.test('34: the variables of the request', async t => {
  const app = await site(t, { shop: { '.psoaccess': '', 'handler.ts': tellsEnviron } }, { development: true })
  const answer = await app.inject({ url: '/shop/cart/a%20b?a=%20b&c', headers: { host: 'www.example.test:8080' } })
  t.same(answer.json(), {
    REQUEST_METHOD: 'GET',
    PATH_INFO: '/cart/a b',
    SCRIPT_NAME: '/shop',
    QUERY_STRING: 'a=%20b&c',
    REQUEST_URI: '/shop/cart/a%20b?a=%20b&c',
    HTTP_HOST: 'www.example.test:8080',
  })
  const itself = await app.inject({ method: 'POST', url: '/shop/' })
  t.match(itself.json(), { REQUEST_METHOD: 'POST', SCRIPT_NAME: '/shop/', QUERY_STRING: '', REQUEST_URI: '/shop/' })
  t.notOk('PATH_INFO' in itself.json())
})
