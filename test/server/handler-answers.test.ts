import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { site } from '../support/site.ts'

t.test('what a handler returns is what is answered', async t => {
  const cases = [
    ['req.write("a")', 200, 'a', 'text/html; charset=utf-8'],
    ['req.write("a"); return OK', 200, 'a', 'text/html; charset=utf-8'],
    ['req.write("a"); return 200', 200, 'a', 'text/html; charset=utf-8'],
    ['req.write("a"); return "b"', 200, 'ab', 'text/html; charset=utf-8'],
    ['req.write("a"); return DONE', 200, 'a', 'text/html; charset=utf-8'],
    ['return { a: [1] }', 200, '{"a":[1]}', 'application/json; charset=utf-8'],
    ['return [1, 2]', 200, '[1,2]', 'application/json; charset=utf-8'],
    ['req.contentType = "text/plain"; return "é"', 200, 'é', 'text/plain'],
    ['req.write("made"); return 201', 201, 'made', 'text/html; charset=utf-8'],
    ['req.write("x"); return 204', 204, '', undefined],
    ['req.status = 404; req.write("own page"); return OK', 404, 'own page', 'text/html; charset=utf-8'],
    ['throw new ServerReturn(DONE)', 200, '', 'text/html; charset=utf-8'],
    ['req.write("kept"); throw new ServerReturn(202)', 202, 'kept', 'text/html; charset=utf-8'],
    ['req.pso().writelines(["a", "b"])', 200, 'ab', 'text/html; charset=utf-8'],
    ['req.write(new Uint8Array([104, 105]))', 200, 'hi', 'text/html; charset=utf-8'],
    ['req.pso().setStatus(203); return "x"', 203, 'x', 'text/html; charset=utf-8'],
  ] as const
  for (const [body, status, text, type] of cases) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': does(body) })
    const answer = await app.inject('/')
    t.same([answer.statusCode, answer.body, answer.headers['content-type']], [status, text, type], body)
  }
})

t.test('what is no answer is a 500 that says so in the log, and nothing of the buffer is sent', async t => {
  const cases = [
    ['req.write("partial"); throw new Error("went wrong")', 500, /went wrong/],
    ['req.write("partial"); return 403', 403, /403/],
    ['req.write("partial"); return 500', 500, /500/],
    ['return true', 500, /got true/],
    ['return 42', 500, /got 42/],
    ['return 600', 500, /got 600/],
    ['return 1.5', 500, /got 1\.5/],
    ['return () => 1', 500, /type function/],
    ['return Symbol("x")', 500, /type symbol/],
    ['throw "a text"', 500, /a text.*handler\.ts::handler/],
    ['throw undefined', 500, /undefined/],
    ['req.write(5)', 500, /expected text or bytes/],
    ['req.status = 42', 500, /expected an HTTP status/],
    ['req.pso().setHeaderOut("X-A", "b\\r\\nInjected: yes")', 500, /Invalid character|header/i],
    ['req.contentType = "text/x\\r\\nInjected: yes"', 500, /Content-Type.*handler\.ts:4/],
    ['req.pso().sendHttpHeader("text/x\\r\\nInjected: yes")', 500, /Content-Type.*handler\.ts:4/],
    ['req.pso().setHeaderOut("X-A", undefined)', 500, /X-A.*handler\.ts:4/],
    ['req.pso().setCookie("a", "b", { path: "/\\r\\nInjected: yes" })', 500, /path.*handler\.ts:4/],
    ['req.registerCleanup("no function")', 500, /cleanup, got string, .*handler\.ts:4/],
    ['const a: any = {}; a.a = a; return a', 500, /circular.*handler\.ts::handler/i],
    ['return { a: 1n }', 500, /BigInt.*handler\.ts::handler/],
    ['return { toJSON() {} }', 500, /toJSON gives nothing/],
    ['return true', 500, /got true.*handler\.ts::handler/],
    ['throw new ServerReturn(42)', 500, /got 42.*handler\.ts:4/],
    ['throw new ServerReturn("404" as any)', 500, /from 100 to 599, got 404/],
    ['req.pso().sendStatus(NaN)', 500, /got NaN/],
    ['throw Object.create(null)', 500, /cannot be shown.*handler\.ts::handler/],
    ['throw { toString() { throw 1 } }', 500, /cannot be shown/],
    ['throw Object.defineProperty(new Error("x"), "stack", { get() { throw 1 } })', 500, /cannot be shown/],
  ] as const
  for (const [body, status, log] of cases) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': does(body) })
    const answer = await app.inject('/')
    t.equal(answer.statusCode, status, body)
    t.notMatch(answer.body, /partial|went wrong|handler\.ts/, body)
    t.equal(answer.headers['injected'], undefined)
    t.match(app.errorLog(), log, body)
  }
})

t.test('a line break in a redirect is a part of its URL', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': does('req.pso().redirect("/x\\r\\nInjected: yes")') })
  const { statusCode, headers } = await app.inject('/')
  t.same([statusCode, headers.location, headers['injected']], [302, '/x%0D%0AInjected:%20yes', undefined])
})

t.test(
  'development shows the message, the line and the code around it to this machine; production shows nothing',
  async t => {
    const tree = {
      '.psoaccess': '',
      'handler.ts': 'export function handler () {\n  const a: any = undefined\n  return a.b\n}\n',
    }
    const developing = await site(t, tree, { development: true })
    const development = await developing.inject('/')
    t.match(development.body, /handler\.ts:3/)
    t.match(development.body, /return a\.b/)
    for (const headers of [{ 'x-forwarded-for': '192.0.2.1' }, { forwarded: 'for=192.0.2.1' }])
      t.notMatch((await developing.inject({ url: '/', headers })).body, /handler|return a/, 'somebody behind a proxy')
    t.notMatch((await developing.inject({ url: '/', remoteAddress: '192.0.2.1' })).body, /handler|return a/)
    const app = await site(t, tree)
    const production = await app.inject('/')
    t.equal(production.statusCode, 500)
    t.notMatch(production.body, /handler|undefined|return a/)
    t.match(app.errorLog(), /handler\.ts:3/)
  },
)

t.test('a handler module that is missing, or has no such function, is a 500 that names it', async t => {
  const cases = [
    ['PSOHandler = gone.ts', {}, /gone\.ts/],
    ['PSOHandler = a.ts::other', { 'a.ts': says('x') }, /function other.*exports handler/],
    ['PSOHandler = a.ts', { 'a.ts': 'export const x = 1\n' }, /function handler/],
    ['', { 'handler.ts': 'export const x = 1\n' }, /function handler/],
    ['', { 'handler.ts': 'export function handler ( {\n' }, /handler\.ts:1/],
    ['', { 'handler.ts': "import { gone } from './gone.ts'\nexport const handler = gone\n" }, /gone\.ts/],
  ] as const
  for (const [access, files, log] of cases) {
    const app = await site(t, {
      bad: { '.psoaccess': access, ...files },
      good: { '.psoaccess': '', 'handler.ts': says('good') },
    })
    t.equal((await app.inject('/bad/')).statusCode, 500)
    t.match(app.errorLog(), log)
    t.equal((await app.inject('/good/')).body, 'good', 'the neighbour notices nothing')
  }
})

t.test('handler lists: OK goes on, DECLINED and anything else end, a final DECLINED is the file or 404', async t => {
  const module = (body: string): string => does(body)
  const app = await site(t, {
    both: {
      '.psoaccess': 'PSOHandler = a.ts b.ts',
      'a.ts': module('req.write("a")'),
      'b.ts': module('req.write("b")'),
    },
    twice: {
      '.psoaccess': 'PSOHandler = a.ts\nPSOHandler = b.ts',
      'a.ts': module('req.write("a")'),
      'b.ts': module('req.write("b")'),
    },
    done: {
      '.psoaccess': 'PSOHandler = a.ts b.ts',
      'a.ts': module('req.write("a"); return DONE'),
      'b.ts': module('req.write("b")'),
    },
    refused: { '.psoaccess': 'PSOHandler = a.ts b.ts', 'a.ts': module('return 403'), 'b.ts': module('req.write("b")') },
    declined: {
      '.psoaccess': 'SetHandler = pso-program\nPSOHandler = a.ts b.ts',
      'a.ts': module('return DECLINED'),
      'b.ts': module('req.write("b")'),
      'file.txt': 'file',
    },
    method: {
      '.psoaccess': 'PSOHandler = a.ts::obj.run',
      'a.ts': "export const obj = { text: 'bound', run() { return this.text } }\n",
    },
    byDefault: { '.psoaccess': '', 'handler.ts': "export default (req: any) => 'default'\n" },
  })
  const answers: [string, number, string | undefined][] = [
    ['/both/', 200, 'ab'],
    ['/twice/', 200, 'ab'],
    ['/done/', 200, 'a'],
    ['/refused/', 403, undefined],
    ['/declined/none', 404, undefined],
    ['/declined/file.txt', 200, 'file'],
    ['/method/', 200, 'bound'],
    ['/byDefault/', 200, 'default'],
  ]
  for (const [url, status, body] of answers) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url)
    if (body !== undefined) t.equal(answer.body, body, url)
  }
})

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

t.test('a promise of a library’s own is waited for', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOAccessHandler = a.ts',
    'a.ts': 'export const access = (req: any) => ({ then (done: any) { done(req.args ? 403 : 0) } })\n',
    'handler.ts': 'export const handler = () => ({ then (done: any) { done("text") } })\n',
  })
  t.equal((await app.inject('/')).body, 'text')
  t.equal((await app.inject('/?x')).statusCode, 403)
})

t.test('DECLINED from any depth is the file, or 404', async t => {
  const app = await site(t, {
    '.psoaccess': 'SetHandler = pso-program',
    'handler.ts': does('throw new ServerReturn(DECLINED)'),
    'a.txt': 'file',
  })
  t.equal((await app.inject('/a.txt')).body, 'file')
  t.equal((await app.inject('/none')).statusCode, 404)
})

t.test('an error has none of the headers of the page in whose place it comes; cookies and others stay', async t => {
  const set =
    'for (const [name, value] of [["Content-Encoding", "gzip"], ["ETag", "e"], ["Cache-Control", "public"], ["Retry-After", "9"]] as const) req.headersOut.set(name, value); req.pso().setCookie("a", "b");'
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(`${set} if (req.args) return 503; throw new Error("x")`),
  })
  const failed = await app.inject('/')
  const names = ['content-encoding', 'etag', 'cache-control', 'retry-after']
  t.same(
    names.map(name => failed.headers[name]),
    [undefined, undefined, undefined, '9'],
  )
  t.match(failed.headers['set-cookie'], /^a=b/)
  const answered = await app.inject('/?503')
  t.same([answered.statusCode, answered.headers['cache-control'], answered.headers.etag], [503, 'public', undefined])
})

t.test('a redirect to an URL object, such as that of the request with another query', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('const url = req.pso().getUrl(); url.searchParams.set("q", "é 2"); req.pso().redirect(url)'),
  })
  const { headers } = await app.inject({ url: '/?q=1', headers: { host: 'h.test' } })
  t.equal(headers.location, 'http://h.test/?q=%C3%A9+2')
})

t.test('internalRedirect: another URL answers, with its own phases; a circle is a 500', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts\nPSOServiceId = s',
    'log.ts': 'export const log = (req: any) => { ((globalThis as any).logged ??= []).push(req.status) }\n',
    from: {
      '.psoaccess': '',
      'handler.ts': does(
        'req.write("from "); req.pso().session.a = 1; req.internalRedirect(`/${req.args}`); req.write("never")',
      ),
    },
    to: { '.psoaccess': '', 'handler.ts': does('return `to ${req.uri} ${req.args} ${req.pso().session.a}`') },
    denied: { '.psoaccess': 'Require = all denied', 'handler.ts': says('no') },
    circle: { '.psoaccess': '', 'handler.ts': does('req.internalRedirect("/circle/")') },
    outside: { '.psoaccess': '', 'handler.ts': does('req.internalRedirect("http://x/")') },
    'a.txt': 'file',
  })
  const answers = [
    ['/from/?to/x?q=1', 200, 'from to /to/x q=1 1'],
    ['/from/?a.txt', 200, 'file'],
    ['/from/?denied/', 403, undefined],
    ['/from/?../../etc/passwd', 400, undefined],
    ['/circle/', 500, undefined],
    ['/outside/', 500, undefined],
  ] as const
  for (const [url, status, body] of answers) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url)
    if (body !== undefined) t.equal(answer.body, body)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    t.same((globalThis as any).logged.splice(0), [status], 'one log')
  }
})

t.test('meetsConditions judges what the handler says of its page', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'req.headersOut.set(...(req.args ? ["Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"] : ["ETag", `"a"`])); const status = req.meetsConditions(); if (status !== OK) return status; return "page"',
    ),
  })
  const cases = [
    ['GET', '/', {}, 200],
    ['GET', '/', { 'if-none-match': '"b", "a"' }, 304],
    ['GET', '/', { 'if-none-match': '"b"' }, 200],
    ['POST', '/', { 'if-none-match': '"a"' }, 412],
    ['GET', '/', { 'if-match': '"b"' }, 412],
    ['GET', '/?m', { 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 304],
    ['GET', '/?m', { 'if-modified-since': 'Sat, 05 Nov 1994 08:49:37 GMT' }, 200],
    ['GET', '/?m', { 'if-none-match': '' }, 200],
  ] as const
  for (const [method, url, headers, status] of cases)
    t.equal(
      (await app.inject({ method, url, headers })).statusCode,
      status,
      `${method} ${url} ${JSON.stringify(headers)}`,
    )
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

t.test('flushed output is sent at once, and cut off when the handler fails', async t => {
  const app = await site(t, {
    ok: { '.psoaccess': '', 'handler.ts': does('req.write("a"); await req.flush(); req.write("b")') },
    bad: { '.psoaccess': '', 'handler.ts': does('req.write("a"); await req.flush(); throw new Error("late")') },
    each: {
      '.psoaccess': '',
      'handler.ts': 'export async function* handler () { yield "a"; yield "b"; yield new Uint8Array([99]) }\n',
    },
  })
  const url = await app.url()
  t.equal(await (await fetch(`${url}/ok/`)).text(), 'ab')
  t.equal(await (await fetch(`${url}/each/`)).text(), 'abc')
  const bad = await fetch(`${url}/bad/`)
  t.equal(bad.status, 200)
  await t.rejects(bad.text(), 'the client can tell that it was cut')
})

t.test('after a flush the head stands, and no session can begin', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(`
      const p = req.pso()
      await req.flush()
      const errors: string[] = []
      for (const run of [() => p.setHeaderOut('X-A', '1'), () => p.setCookie('a', 'b'), () => p.redirect('/x'), () => { p.session.late = 1 }])
        try { run(); errors.push('none') } catch (error) { errors.push((error as Error).message) }
      return JSON.stringify(errors)`),
  })
  const errors = JSON.parse(await (await fetch(`${await app.url()}/`)).text()) as string[]
  t.match(errors, [/x-a/i, /cookie a/, /Location/, /late/])
})

t.test('HEAD is GET without its body', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': says('twelve bytes') })
  const answer = await app.inject({ method: 'HEAD', url: '/' })
  t.same([answer.statusCode, answer.body, answer.headers['content-length']], [200, '', '12'])
})

t.test('the environment has the variables of CGI', async t => {
  const app = await site(t, {
    shop: {
      '.psoaccess': 'SetEnv = COLOUR blue\nPSOOption = size large',
      'handler.ts': does(
        'const p = req.pso(); p.setEnviron("MINE", "1"); return [...["REQUEST_METHOD","PATH_INFO","SCRIPT_NAME","QUERY_STRING","REQUEST_URI","HTTP_HOST","HTTP_X_A","COLOUR","MINE","SERVER_PROTOCOL","size"].map(key => p.getEnviron(key)), p.getEnviron("NONE", "fallback"), req.options.size, req.pathInfo]',
      ),
    },
  })
  const answer = await app.inject({
    url: '/shop/cart/2?a=%20b',
    headers: { host: 'h.test:81', 'x-a': 'y', proxy: 'evil' },
  })
  t.same(answer.json(), [
    'GET',
    '/cart/2',
    '/shop',
    'a=%20b',
    '/shop/cart/2?a=%20b',
    'h.test:81',
    'y',
    'blue',
    '1',
    'HTTP/1.1',
    'large',
    'fallback',
    'large',
    '/cart/2',
  ])
})
