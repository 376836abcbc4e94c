import { once } from 'node:events'
import t from 'tap'
import { does } from '../support/handlers.ts'
import { site } from '../support/site.ts'
import { bodyOf, dial, fields, head, wire } from '../support/wire.ts'

/** A stream that gives one of `pieces` in each turn of the event loop. */
const slowly = (pieces: string): string =>
  `new ReadableStream({ pieces: ${pieces}, async pull (to) { await new Promise(setImmediate); await new Promise(setImmediate); const piece = this.pieces.shift(); if (piece === undefined) to.close(); else to.enqueue(new TextEncoder().encode(piece)) } } as any)`

t.test('a returned Response: its status, headers, cookies and body', async t => {
  const cases = [
    ['new Response("text")', [200, '4', 'text/plain;charset=UTF-8', undefined], 'text'],
    ['Response.json({ a: 1 }, { status: 201 })', [201, '7', 'application/json', undefined], '{"a":1}'],
    ['new Response("not here", { status: 404 })', [404, '8', 'text/plain;charset=UTF-8', undefined], 'not here'],
    ['new Response("broken", { status: 500 })', [500, '6', 'text/plain;charset=UTF-8', undefined], 'broken'],
    [
      'new Response(null, { status: 204, headers: { "Content-Length": "5" } })',
      [204, undefined, undefined, undefined],
      '',
    ],
    ['new Response(null, { status: 304, headers: { ETag: "x" } })', [304, undefined, undefined, undefined], ''],
    ['new Response(null)', [200, '0', undefined, undefined], ''],
    ['new Response("")', [200, '0', 'text/plain;charset=UTF-8', undefined], ''],
    ['new Response(new Uint8Array([104, 105]))', [200, '2', undefined, undefined], 'hi'],
    ['Response.redirect("http://h.test/x", 303)', [303, '0', undefined, 'http://h.test/x'], ''],
    [
      'new Response("x", { headers: { "Content-Length": "50", "Transfer-Encoding": "chunked" } })',
      [200, '1', 'text/plain;charset=UTF-8', undefined],
      'x',
    ],
    ['new Response("x".repeat(60000))', [200, '60000', 'text/plain;charset=UTF-8', undefined], 'x'.repeat(60_000)],
    [`new Response(${slowly('["a", "b"]')})`, [200, undefined, undefined, undefined], 'ab'],
    [
      'new Response("x".repeat(1000000))',
      [200, undefined, 'text/plain;charset=UTF-8', undefined],
      'x'.repeat(1_000_000),
    ],
  ] as const
  for (const [code, expected, body] of cases) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': does(`return ${code}`) })
    const answer = await app.inject('/')
    const { headers, statusCode } = answer
    t.same(
      [statusCode, headers['content-length'], headers['content-type'], headers.location],
      expected,
      code.slice(0, 80),
    )
    t.ok(answer.body === body, code.slice(0, 80))
  }
})

t.test(
  'beside what was set on the request: the Response speaks last, cookies add up, text goes before its body',
  async t => {
    const app = await site(t, {
      '.psoaccess': 'PSOServiceId = s',
      'handler.ts': does(`
      req.pso().session.n = 1
      req.pso().setCookie('a', '1')
      req.headersOut.set('X-Mine', 'kept')
      req.headersOut.set('X-Both', 'request')
      req.status = 203
      req.contentType = 'text/x-mine'
      req.write('before ')
      const headers = new Headers({ 'X-Both': 'response' })
      headers.append('Set-Cookie', 'b=2')
      headers.append('Set-Cookie', 'c=3; Path=/x')
      return new Response('body', { status: 202, headers })`),
    })
    const { statusCode, headers, body } = await app.inject('/')
    t.same([statusCode, body, headers['content-length']], [202, 'before body', '11'])
    t.same(
      [headers['x-mine'], headers['x-both'], headers['content-type']],
      ['kept', 'response', 'text/plain;charset=UTF-8'],
    )
    t.same(
      [headers['set-cookie']].flat().map(cookie => cookie!.split('=')[0]),
      ['a', 'b', 'c', 's'],
    )
  },
)

t.test('HEAD has the head of the Response, and no length that is a guess', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(`
      if (req.args === 'null') return new Response(null, { headers: { 'X-A': 'a' } })
      if (req.args === 'length') return new Response(null, { headers: { 'Content-Length': '70' } })
      if (req.args === 'slow') return new Response(${slowly('["a", "b"]')})
      return new Response('text')`),
  })
  const url = await app.url()
  for (const [query, length] of [
    ['null', []],
    ['length', ['70']],
    ['slow', []],
    ['text', ['4']],
  ] as const) {
    const text = await wire(url, `/?${query}`, 'HEAD')
    t.match(text, /^HTTP\/1\.1 200 /)
    t.same(fields(text, 'content-length'), length, query)
    t.equal(bodyOf(text), '', query)
  }
})

t.test('a body that fails while its client takes nothing is cut, and logged once', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(`
      return new Response(new ReadableStream({
        start (to) { to.enqueue(new Uint8Array(50_000_000)) },
        async pull (to) {
          await new Promise(setImmediate)
          to.error(new Error('source broke'))
          setImmediate((globalThis as any).broke)
        }
      }, { highWaterMark: 0 }))`),
  })
  const broke = new Promise(resolve => ((globalThis as any).broke = resolve))
  const socket = dial(await app.url(), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await broke
  let end = ''
  socket.on('data', chunk => (end = `${end}${chunk.toString('latin1')}`.slice(-7)))
  socket.on('error', () => {})
  await once(socket, 'close')
  t.not(end, '\r\n0\r\n\r\n')
  t.equal(app.errorLog().match(/source broke/g)?.length, 1)
})

t.test('what is no Response to be sent is a 500 that says why', async t => {
  for (const [code, log] of [
    ['return Response.error()', /Response\.error\(\) is no answer.*handler\.ts::handler/],
    ['const answer = new Response("x"); await answer.text(); return answer', /has been read before/],
    ['const answer = new Response("x"); answer.body!.getReader(); return answer', /has been read before/],
    [
      'return new Response(new ReadableStream({ start (to) { to.enqueue("text"); to.close() } }))',
      /expected bytes in the body of the Response, got string/,
    ],
    ['return new Response(new ReadableStream({ start (to) { to.error(new Error("source broke")) } }))', /source broke/],
    ['throw new Response("x")', /was thrown/],
    [
      'return new Response("x", { headers: { "Content-Length": "1, 1" } })',
      /expected a number of bytes as content-length, got "1, 1"/,
    ],
    [
      'return Object.defineProperty(new Response("x"), "status", { value: 101 })',
      /expected a Response of 200 to 599, got 101/,
    ],
  ] as const) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': does(code) })
    t.equal((await app.inject('/')).statusCode, 500, code)
    t.match(app.errorLog(), log, code)
  }
})

t.test(
  'a body that breaks after its first bytes left cuts the connection; a Response after a flush is an error',
  async t => {
    const app = await site(t, {
      '.psoaccess': 'PSOLogHandler = log.ts',
      'log.ts': 'export const log = (req: any) => (globalThis as any).logged(req.status)\n',
      'handler.ts': does(`
      if (req.args) { req.write('a'); await req.flush(); return new Response('b') }
      return new Response(new ReadableStream({ async pull (to) { await new Promise(setImmediate); await new Promise(setImmediate); if ((this as any).n++ > 2) throw new Error('broke'); to.enqueue(new Uint8Array(10)) }, n: 0 } as any))`),
    })
    const url = await app.url()
    for (const [query, log] of [
      ['', /broke/],
      ['?flush', /cannot be returned after a flush/],
    ] as const) {
      const logged = new Promise(resolve => ((globalThis as any).logged = resolve))
      const text = await wire(url, `/${query}`)
      t.match(text, /^HTTP\/1\.1 200 /)
      t.notMatch(text, /\r\n0\r\n\r\n$/)
      t.equal(await logged, 500, 'the log phase sees the failure')
      t.match(app.errorLog(), log)
    }
  },
)

t.test('a client that goes away cancels the stream, also while it waits; a slow one is not outrun', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts',
    'log.ts': 'export const log = (req: any) => (globalThis as any).logged(req.signal.aborted)\n',
    'handler.ts': does(`
      const state = (globalThis as any).stream = { pulled: 0 }
      return new Response(new ReadableStream({
        async pull (to) { if (req.args === 'waits' && state.pulled > 0) await new Promise(() => {}); state.pulled++; to.enqueue(new Uint8Array(100_000)) },
        cancel () { (globalThis as any).cancelled() },
      }))`),
  })
  const url = await app.url()
  for (const query of ['waits', 'flows']) {
    const cancelled = new Promise<void>(resolve => ((globalThis as any).cancelled = resolve))
    const logged = new Promise<boolean>(resolve => ((globalThis as any).logged = resolve))
    const socket = dial(url, head(`GET /?${query}`))
    await once(socket, 'data')
    socket.pause()
    const { stream } = globalThis as any
    for (let before = -1, turns = 0; turns < 200; turns = before === stream.pulled ? turns + 1 : 0) {
      before = stream.pulled
      await new Promise(done => setTimeout(done, 1))
    }
    t.ok(stream.pulled < 200, `${stream.pulled} pieces of 100 kB for a client that takes none`)
    socket.destroy()
    await cancelled
    t.equal(await logged, true)
  }
})

t.test('an event stream: its head leaves at once, and its session is let go', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\ns = shared\nPSOSessionLockWait = 1',
    'handler.ts': does(`
      req.pso().session.n = 1
      if (req.args) return 'not kept waiting'
      return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { headers: { 'Content-Type': 'text/event-stream' } })`),
  })
  const socket = dial(await app.url(), head('GET /'))
  const [first] = (await once(socket, 'data')) as [Buffer]
  t.match(first.toString(), /^HTTP\/1\.1 200 [\s\S]*text\/event-stream/)
  t.equal((await app.inject('/?other')).body, 'not kept waiting')
  socket.destroy()
})

t.test('the session is saved before the last byte of a stream', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\ns = shared',
    'handler.ts': does(`
      const { session } = req.pso()
      if (req.args) return String(session.n)
      session.n = 0
      return new Response(new ReadableStream({ async pull (to) { await new Promise(done => setTimeout(done, 2)); if (++session.n === 4) to.close(); else to.enqueue(new Uint8Array(1)) } }))`),
  })
  await (await fetch(await app.url())).text()
  t.equal((await app.inject('/?read')).body, '4')
})

t.test('what fetch() brought is passed on as it was decoded', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': `import { gzipSync } from 'node:zlib'
export function handler (req: any) {
  if (req.args === 'source') return new Response(gzipSync('plain text'), { headers: { 'Content-Encoding': 'gzip', 'X-A': 'a' } })
  return fetch(req.constructUrl('/?source'))
}`,
  })
  const answer = await fetch(await app.url())
  t.same(
    [answer.headers.get('content-encoding'), answer.headers.get('x-a'), await answer.text()],
    [null, 'a', 'plain text'],
  )
})

t.test('a Response as the document of an error keeps its status, unless it leads elsewhere', async t => {
  const app = await site(t, {
    '.psoaccess': 'ErrorDocument = 404 /doc/\nErrorDocument = 403 /login/',
    doc: { '.psoaccess': '', 'handler.ts': does('return new Response("document")') },
    login: { '.psoaccess': '', 'handler.ts': does('return Response.redirect("http://h.test/login")') },
    closed: { '.psoaccess': 'Require = all denied' },
  })
  const missing = await app.inject('/none')
  t.same([missing.statusCode, missing.body], [404, 'document'])
  t.equal((await app.inject('/closed/')).statusCode, 302)
})
