import t from 'tap'
import { does } from '../../support/handlers.ts'
import { site } from '../../support/site.ts'

t.test('redirect ends the request: 302 or 301, cookies and session kept, what was written is not shown', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'req.pso().session.here = 1; req.pso().setCookie("login", "a b; c"); req.write("not shown"); req.pso().redirect("/ziel/ä b", req.args === "p"); req.write("never")',
    ),
  })
  const answer = await app.inject('/')
  t.equal(answer.statusCode, 302)
  t.equal(answer.headers.location, '/ziel/%C3%A4%20b')
  t.notMatch(answer.body, /shown|never/)
  t.equal([answer.headers['set-cookie']].flat().length, 2)
  t.equal((await app.inject('/?p')).statusCode, 301)
})

t.test('a redirect to an URL object, such as that of the request with another query', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('const url = req.pso().getUrl(); url.searchParams.set("q", "é 2"); req.pso().redirect(url)'),
  })
  const { headers } = await app.inject({ url: '/?q=1', headers: { host: 'h.test' } })
  t.equal(headers.location, 'http://h.test/?q=%C3%A9+2')
})

t.test('a line break in a redirect is a part of its URL', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': does('req.pso().redirect("/x\\r\\nInjected: yes")') })
  const { statusCode, headers } = await app.inject('/')
  t.same([statusCode, headers.location, headers['injected']], [302, '/x%0D%0AInjected:%20yes', undefined])
})

t.test('sendStatus ends the request; code after it does not run', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('req.write("x"); req.pso().sendStatus(Number(req.args)); throw new Error("ran on")'),
  })
  const none = await app.inject('/?204')
  t.same([none.statusCode, none.body, none.headers['content-length']], [204, '', undefined])
  t.equal((await app.inject('/?404')).statusCode, 404)
  t.notMatch(app.errorLog(), /ran on/)
})

t.test('headers: set replaces, add repeats, names ignore case', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'const p = req.pso(); p.setHeaderOut("X-A", "1"); p.setHeaderOut("x-a", "2"); p.addHeaderOut("X-B", "1"); p.addHeaderOut("x-b", "2"); p.setHeaderOut("X-C", "1"); p.removeHeaderOut("x-c"); return req.headersIn.get("x-sent")',
    ),
  })
  const { headers, body } = await app.inject({ url: '/', headers: { 'X-Sent': 'from the client' } })
  t.same([headers['x-a'], headers['x-b'], headers['x-c'], body], ['2', ['1', '2'], undefined, 'from the client'])
})

t.test('cookies: a value comes back as it was set; nothing in it is ever read as anything but text', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'const p = req.pso(); if (req.args) p.setCookie("login", "a b; c=ä", { httpOnly: true, maxAge: 60 }); return [p.getCookie("login", "none"), p.getCookie("__proto__", "none"), Object.keys(p.getCookies())]',
    ),
  })
  const set = await app.inject('/?set')
  t.match(set.headers['set-cookie'], /^login=[^; ]+; Max-Age=60; Path=\/; HttpOnly/)
  const cookie = String(set.headers['set-cookie']).split(';')[0]!
  t.same((await app.inject({ url: '/', headers: { cookie } })).json(), ['a b; c=ä', 'none', ['login']])
  t.same((await app.inject({ url: '/', headers: { cookie: 'login={"a":1}; x=1' } })).json(), [
    '{"a":1}',
    'none',
    ['login', 'x'],
  ])
})
