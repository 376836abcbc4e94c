import { once } from 'node:events'
import t, { type Test } from 'tap'
import { does } from '../support/handlers.ts'
import { site, type TestSite } from '../support/site.ts'
import { dial, head } from '../support/wire.ts'

t.test('req.fetch is the same request', async t => {
  const app = await site(t, {
    shop: {
      '.psoaccess': '',
      'handler.ts': does(`
        const { url, method, headers, body } = req.fetch
        return { url, method, a: headers.get('x-a'), many: headers.get('accept'), hasBody: body !== null, text: body === null ? undefined : await req.fetch.text(), same: req.fetch === req.fetch }`),
    },
  })
  const get = await app.inject({
    url: '/shop/a%20b?x=%20y',
    headers: { host: 'h.test:81', 'x-a': 'é', accept: ['a', 'b'] as any },
  })
  t.match(get.json(), {
    url: 'http://h.test:81/shop/a%20b?x=%20y',
    method: 'GET',
    many: 'a, b',
    hasBody: false,
    same: true,
  })
  const put = await app.inject({
    url: '/shop/',
    method: 'PUT',
    headers: { 'content-type': 'text/plain' },
    payload: 'sent',
  })
  t.match(put.json(), { url: 'http://localhost/shop/', method: 'PUT', hasBody: true, text: 'sent' })
})

t.test('req.fetch of a Host that no URL can have, or with a user in it, is of ServerName', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': does('return req.fetch.url') })
  for (const host of ['no host[', 'user:pass@h.test', 'h.test/evil?x', 'h.test#x', '@'])
    t.equal((await app.inject({ url: '/', headers: { host } })).body, 'http://localhost/', host)
  t.equal((await app.inject({ url: '/', headers: { host: '[::1]:8080' } })).body, 'http://[::1]:8080/')
})

t.test('a body that was read as a form fails as a stream, and says so', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('try { return await req.fetch.text() } catch (error: any) { return error.message }'),
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  t.match((await app.inject({ url: '/', method: 'POST', headers, payload: 'a=1' })).body, /read before.*PSOInput = off/)
})

t.test('the signal of req.fetch aborts with the client', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'req.write("x"); await req.flush(); await new Promise<void>(resolve => req.fetch.signal.addEventListener("abort", () => resolve())); (globalThis as any).aborted()',
    ),
  })
  const aborted = new Promise<void>(resolve => ((globalThis as any).aborted = resolve))
  const socket = dial(await app.url(), head('GET /'))
  await once(socket, 'data')
  socket.destroy()
  await aborted
  t.pass()
})

t.test(
  'a default export with fetch: an object, an instance of a class, an async one; anything else is missing',
  async t => {
    const app = await site(t, {
      object: {
        '.psoaccess': '',
        'handler.ts': 'export default { fetch: (request: Request) => new Response(request.method) }\n',
      },
      class: {
        '.psoaccess': '',
        'handler.ts':
          'class App { text = "bound"; async fetch () { return new Response(this.text) } }\nexport default new App()\n',
      },
      text: { '.psoaccess': '', 'handler.ts': 'export default { fetch: () => "as a handler may" }\n' },
      none: { '.psoaccess': '', 'handler.ts': 'export default { get: () => 1 }\n' },
      named: {
        '.psoaccess': 'PSOHandler = a.ts::default.fetch',
        'a.ts': 'export default { fetch: (req: any) => `pso ${req.uri}` }\n',
      },
      phase: { '.psoaccess': 'PSOAccessHandler = a.ts', 'a.ts': 'export default { fetch: () => new Response("x") }\n' },
    })
    for (const [name, status, body] of [
      ['object', 200, 'GET'],
      ['class', 200, 'bound'],
      ['text', 200, 'as a handler may'],
      ['named', 200, 'pso /named/'],
      ['none', 500, undefined],
      ['phase', 500, undefined],
    ] as const) {
      const answer = await app.inject(`/${name}/`)
      t.equal(answer.statusCode, status, name)
      if (body !== undefined) t.equal(answer.body, body, name)
    }
  },
)

const hono = (t: Test): Promise<TestSite> =>
  site(
    t,
    {
      api: {
        '.psoaccess': 'PSOServiceId = s',
        'handler.ts': `import { Hono } from '${import.meta.resolve('hono')}'
import { streamText } from '${import.meta.resolve('hono/streaming')}'
import type { Request as PsoRequest } from 'pso'
const app = new Hono<{ Bindings: { req: PsoRequest } }>({ strict: false }).basePath('/api')
app.get('/', c => c.html('<p>root'))
app.get('/users/:id', c => c.json({ id: c.req.param('id'), q: c.req.query('q') }))
app.post('/form', async c => { const form = await c.req.parseBody(); return c.text(\`\${form['a']} \${form['up'] instanceof File ? await form['up'].text() : ''}\`) })
app.post('/json', async c => c.json(await c.req.json()))
app.get('/stream', c => streamText(c, async stream => { for (const piece of ['a', 'b', 'c']) { await stream.write(piece); await stream.sleep(1) } }))
app.get('/visits', c => { const { session } = c.env.req.pso(); session.visits = (session.visits ?? 0) + 1; c.header('Set-Cookie', 'own=1'); return c.text(String(session.visits)) })
app.get('/go', c => c.redirect('/api/'))
app.get('/throws', () => { throw new Error('in the app') })
export default app
`,
      },
    },
    { ini: 'LimitRequestBody = 1000' },
  )

t.test('a Hono app: routes below the directory, forms, JSON, streams, a 404 of its own, the session', async t => {
  const app = await hono(t)
  const url = `${await app.url()}/api`
  const text = async (path: string, init: RequestInit = {}): Promise<[number, string]> => {
    const answer = await fetch(url + path, { redirect: 'manual', ...init })
    return [answer.status, await answer.text()]
  }
  t.same(await text('/'), [200, '<p>root'])
  t.same(await text('/users/7%20b?q=ü'), [200, '{"id":"7 b","q":"ü"}'])
  t.same(await text('/none/such'), [404, '404 Not Found'])
  t.same(await text('/form', { method: 'POST', body: new URLSearchParams({ a: 'é 1' }) }), [200, 'é 1 '])
  const form = new FormData()
  form.set('a', '2')
  form.set('up', new File(['content'], 'up.txt'))
  t.same(await text('/form', { method: 'POST', body: form }), [200, '2 content'])
  t.same(await text('/json', { method: 'POST', body: '{"x":1}', headers: { 'content-type': 'application/json' } }), [
    200,
    '{"x":1}',
  ])
  t.same(await text('/stream'), [200, 'abc'])
  t.same(await text('/go'), [302, ''])
  t.same(await text('/', { method: 'HEAD' }), [200, ''])
  const first = await fetch(`${url}/visits`)
  t.equal(await first.text(), '1')
  const cookies = first.headers.getSetCookie().map(cookie => cookie.split(';')[0]!)
  t.same(
    cookies.map(cookie => cookie.split('=')[0]),
    ['own', 's'],
  )
  t.same(await text('/visits', { headers: { cookie: cookies.join('; ') } }), [200, '2'])
})

t.test('a Hono app: a body over LimitRequestBody is 413, declared or only sent', async t => {
  const app = await hono(t)
  const url = `${await app.url()}/api/form`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const declared = await fetch(url, { method: 'POST', headers, body: `a=${'x'.repeat(2000)}` })
  t.equal(declared.status, 413)
  const body = ReadableStream.from(Array.from({ length: 20 }, () => Buffer.alloc(100, 'x')))
  const sent = await fetch(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
  t.equal(sent.status, 413)
  t.match(app.errorLog(), /413: the body has more than 1000 bytes \(LimitRequestBody\)/)
})

t.test('a client that goes away in the middle of its body is no failure of the app', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts',
    'log.ts': 'export const log = (req: any) => (globalThis as any).logged(req.status)\n',
    'handler.ts':
      'export default { async fetch (request: Request) { (globalThis as any).reading(); return new Response(await request.text()) } }\n',
  })
  const reading = new Promise<void>(resolve => ((globalThis as any).reading = resolve))
  const logged = new Promise<number>(resolve => ((globalThis as any).logged = resolve))
  const socket = dial(await app.url(), `${head('POST /', 'Content-Length: 100')}half`)
  await reading
  socket.destroy()
  t.equal(await logged, 400)
  t.match(app.errorLog(), /POST \/ 400: the body ended early: the client went away after 4 bytes\n$/)
})
