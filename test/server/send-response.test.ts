import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { site } from '../support/site.ts'
import { bodyOf, dial, fields, head, wire } from '../support/wire.ts'

t.test('flushes that nobody awaits send one head, and everything before the end', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s',
    'handler.ts': does(
      'req.pso().session.a = 1; req.write("a"); req.flush(); req.write("b"); req.flush(); if (req.args) throw new Error("late"); return "c"',
    ),
  })
  const url = await app.url()
  const answer = await fetch(url)
  t.equal(await answer.text(), 'abc')
  t.equal(answer.headers.getSetCookie().length, 1)
  t.equal(app.errorLog(), '')
  await t.rejects(
    fetch(`${url}/?fail`).then(failed => failed.text()),
    'what was flushed is cut off',
  )
})

t.test('an answer that is cut off never looks complete, to a client of HTTP/1.0 neither', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('req.write("a"); await req.flush(); if (req.args) throw new Error("late"); return "b"'),
  })
  const url = await app.url()
  t.match(await text(dial(url, 'GET / HTTP/1.0\r\n\r\n')), /ab$/)
  await t.rejects(text(dial(url, 'GET /?fail HTTP/1.0\r\n\r\n')), { code: 'ECONNRESET' })
  t.match(app.errorLog(), /late/)
})

t.test('a handler that flushes for ever ends when its client goes away, and its session is saved', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\ns = shared\nPSOSessionLock = off\nPSOLogHandler = log.ts',
    'log.ts': 'export const log = (req: any) => (globalThis as any).logged(req.signal.aborted)\n',
    'handler.ts': does(
      'const { session } = req.pso(); if (req.args) return String(session.n); for (session.n = 0; ; session.n++) { req.write("x"); await req.flush() }',
    ),
  })
  const logged = new Promise<boolean>(resolve => ((globalThis as any).logged = resolve))
  const socket = dial(await app.url(), head('GET /'))
  await once(socket, 'data')
  socket.destroy()
  t.equal(await logged, true, 'the log phase can tell')
  t.match((await app.inject('/?n')).body, /^\d+$/)
  t.notMatch(app.errorLog(), /error/)
})

t.test('a generator is closed when its client goes away: its finally runs', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts':
      'export async function* handler () { try { for (;;) yield "x" } finally { (globalThis as any).ended("finally") } }\n',
  })
  const ended = new Promise<string>(resolve => ((globalThis as any).ended = resolve))
  const socket = dial(await app.url(), head('GET /'))
  await once(socket, 'data')
  socket.destroy()
  t.equal(await ended, 'finally')
})

t.test('the signal is for a client that goes away, not for an answer that is complete', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts',
    'log.ts': 'export const log = (req: any) => (globalThis as any).logged(req.signal.aborted)\n',
    'handler.ts': does('req.signal; return "a"'),
  })
  const logged = new Promise<boolean>(resolve => ((globalThis as any).logged = resolve))
  await (await fetch(await app.url())).text()
  t.equal(await logged, false)
})

t.test('the length of a complete answer is its own, whatever an author says', async t => {
  for (const [headers, expected] of [
    ['"Content-Length": "2"', ['6']],
    ['"Content-Length": "60"', ['6']],
    ['"Transfer-Encoding": "chunked"', ['6']],
  ] as const) {
    const app = await site(t, {
      '.psoaccess': '',
      'handler.ts': does(
        `for (const [name, value] of Object.entries({ ${headers} })) req.headersOut.set(name, value); return "abcdef"`,
      ),
    })
    const text = await wire(await app.url())
    t.same(fields(text, 'content-length'), expected, headers)
    t.same(fields(text, 'transfer-encoding'), [], headers)
    t.equal(bodyOf(text), 'abcdef', headers)
  }
  const none = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('req.headersOut.set("Content-Length", 3); req.write("abc"); return 204'),
  })
  t.same(fields(await wire(await none.url()), 'content-length'), [])
})

t.test('a length that is none is an error where it is given', async t => {
  for (const [code, status] of [
    ['req.headersOut.set("Content-Length", "-1")', 500],
    ['req.pso().setHeaderOut("content-length", "1e1")', 500],
    ['req.headersOut.set("Content-Length", 6)', 200],
  ] as const) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': does(`${code}; await req.flush(); return "abcdef"`) })
    t.equal((await app.inject('/')).statusCode, status, code)
    if (status === 500) t.match(app.errorLog(), /expected a number of bytes as content-length, got "-?1/i)
  }
})

t.test('what speaks of the connection is the server’s matter, whoever says it', async t => {
  const app = await site(t, {
    '.psoaccess': 'Header = set Keep-Alive timeout=99 env=LINES\nHeader = set Trailer X-A env=LINES',
    'handler.ts': does(`
      const fields: [string, string][] = [['Trailer', 'X-A'], ['Keep-Alive', 'timeout=99'], ['Connection', 'keep-alive, X-A'], ['Proxy-Connection', 'x']]
      if (req.args === 'response') return new Response('abc', { headers: fields })
      if (req.args === 'lines') req.subprocessEnv.LINES = '1'
      else if (req.args === 'close') req.headersOut.set('Connection', 'close')
      else for (const [name, value] of fields) req.headersOut.set(name, value)
      return 'abc'`),
  })
  const url = await app.url()
  for (const query of ['response', 'lines', 'fields', 'close']) {
    const text = await wire(url, `/?${query}`)
    t.match(text, /^HTTP\/1\.1 200 /, query)
    for (const name of ['trailer', 'keep-alive', 'proxy-connection'])
      t.same(fields(text, name), [], `${name}, ${query}`)
    t.same(fields(text, 'connection'), ['close'], query)
    t.equal(bodyOf(text), 'abc', query)
  }
})

t.test('a length that was promised with a flush is kept, or the connection is cut', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'req.headersOut.set("Content-Length", req.args); req.write("abc"); await req.flush(); return "def"',
    ),
  })
  const url = await app.url()
  t.equal(await (await fetch(`${url}/?6`)).text(), 'abcdef')
  await t.rejects(fetch(`${url}/?9`).then(answer => answer.text()))
  t.match(bodyOf(await wire(url, '/?4')), /^(abc)?$/, 'not a byte more than was promised')
})

t.test(
  'a file has one field of a name: an author’s type stands, what else the file says of its bytes is its own',
  async t => {
    const app = await site(t, {
      '.psoaccess': 'PSOTypeHandler = own.ts\nPSOHeaderParserHandler = own.ts',
      'own.ts':
        'export const type = (req: any) => { req.contentType = "text/x-own"; return 0 }\nexport const headerParser = (req: any) => { for (const [name, value] of [["ETag", \'"own"\'], ["Vary", "Cookie"], ["Content-Length", "1"]]) req.headersOut.set(name, value) }\n',
      'a.txt': 'file',
      header: { '.psoaccess': 'Header = set X-A a', 'a.txt': 'file' },
    })
    for (const path of ['/a.txt', '/header/a.txt']) {
      const text = await wire(await app.url(), path)
      t.same(
        ['vary', 'content-type', 'content-length'].map(name => fields(text, name)),
        [['Cookie'], ['text/x-own'], ['4']],
        path,
      )
      const [etag, ...more] = fields(text, 'etag')
      t.match(etag, /^"[^"]+-4"$/, path)
      t.same(more, [], path)
      t.equal(bodyOf(text), 'file')
    }
  },
)

t.test('a file is sent as it is, whatever was written before it', async t => {
  const app = await site(t, {
    declined: { '.psoaccess': 'SetHandler = pso-program', 'handler.ts': does('req.write("x"); return DECLINED') },
    phase: {
      '.psoaccess': 'PSOAccessHandler = a.ts',
      'a.ts': 'export const access = async (req: any) => { req.write("x"); if (req.args) await req.flush() }\n',
    },
  })
  const { writeFileSync } = await import('node:fs')
  for (const name of ['declined', 'phase']) writeFileSync(`${app.root}/${name}/a.txt`, 'file')
  const url = await app.url()
  for (const name of ['declined', 'phase']) t.equal(bodyOf(await wire(url, `/${name}/a.txt`)), 'file')
  await t.rejects(fetch(`${url}/phase/a.txt?flush`).then(answer => answer.text()))
})

t.test('what a directive says is sent as a head may have it; a request is never left without an end', async t => {
  const app = await site(t, {
    env: { '.psoaccess': 'SetEnv = E "日"\nHeader = always set X-A "%{E}e"', 'a.txt': 'x' },
    redirect: { '.psoaccess': 'Redirect = 302 /redirect/x /日' },
    document: { '.psoaccess': 'ErrorDocument = 404 http://x.test/日' },
  })
  const url = await app.url()
  t.same(fields(await wire(url, '/env/a.txt'), 'x-a'), ['%E6%97%A5'])
  t.match(await wire(url, '/env/none'), /^HTTP\/1\.1 404 /)
  t.same(fields(await wire(url, '/redirect/x'), 'location'), ['/%E6%97%A5'])
  t.same(fields(await wire(url, '/document/none'), 'location'), ['http://x.test/%E6%97%A5'])
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
