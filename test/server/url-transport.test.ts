import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { filesBelow } from '../support/files-below.ts'
import { does, Jar } from '../support/handlers.ts'
import { site, type TestSite, type Tree } from '../support/site.ts'

/** Counts, and answers with the number and where to go on. */
const linked = does(`
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  return { visits: session.visits, next: req.pso().serviceUrl() }`)

/** Runs what the query's \`do\` says, with the session and the service at hand. */
const runs = does(`
  const service = req.pso(), { session } = service
  const answer = await eval('(async () => {' + service.getInput('do', '') + '})()')
  return answer ?? { ...session }`)

const run = (code: string, more = ''): string => `/?do=${encodeURIComponent(code)}${more}`

const shop = (t: Test, transport: string, handler = linked, more: Tree = {}, options = {}): Promise<TestSite> =>
  site(
    t,
    { '.psoaccess': `PSOServiceId = s\nPSOSessionTransport = ${transport}`, 'handler.ts': handler, ...more },
    options,
  )

const idIn = (url: string): string | null => new URL(url, 'http://h.test').searchParams.get('s')

t.test('url: a visitor without cookies counts by following links, over a real connection', async t => {
  const app = await shop(t, 'url', undefined, {})
  let next = `${await app.url()}/`
  for (const number of [1, 2, 3]) {
    const answer = await fetch(next)
    const page = (await answer.json()) as { visits: number; next: string }
    t.equal(page.visits, number)
    t.equal(answer.headers.get('set-cookie'), null)
    t.equal(answer.headers.get('referrer-policy'), 'no-referrer')
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.match(idIn(page.next), /^[\w-]{27}$/)
    next = page.next
  }
})

t.test('a page that only makes the link begins the session: its link followed twice is 1, 2', async t => {
  const app = await shop(t, 'url', runs)
  const link = (await app.inject(run('return service.serviceUrl()'))).body
  const count = (): Promise<{ json(): unknown }> =>
    app.inject(`${run('session.n = (session.n ?? 0) + 1')}&s=${idIn(link)}`)
  t.same((await count()).json(), { n: 1 })
  t.same((await count()).json(), { n: 2 })
})

t.test('a page without a link begins nothing', async t => {
  const app = await shop(t, 'url', runs)
  t.equal((await app.inject(run('return session.id'))).statusCode, 200)
  t.same(filesBelow(join(app.stateDirectory, 'sessions')), [])
})

t.test('a session that may not be written begins by no link', async t => {
  const app = await shop(t, 'url\nPSOSessionReadOnly = on', runs)
  t.equal((await app.inject(run('return service.serviceUrl()'))).body, 'http://localhost/')
})

t.test('cookie: the URL is plain, and an id in one is nothing', async t => {
  const app = await shop(t, 'cookie')
  const first = await app.inject('/')
  t.equal(first.json().next, 'http://localhost/')
  t.equal(first.headers['cache-control'], undefined)
  const id = new Jar().take(first.headers).value('s')
  t.equal((await app.inject(`/?s=${id}`)).json().visits, 1)
})

t.test('cookie url: links need the id until the cookie comes back, and the cookie goes first', async t => {
  const app = await shop(t, 'cookie url')
  const jar = new Jar()
  const first = await app.inject('/')
  jar.take(first.headers)
  t.equal(idIn(first.json().next), jar.value('s'), 'one session by either way')
  const second = await app.inject({ url: '/', headers: jar.headers })
  t.same(second.json(), { visits: 2, next: 'http://localhost/' })

  const other = (await app.inject('/')).json().next
  t.equal((await app.inject({ url: other, headers: jar.headers })).json().visits, 3)
  const refused = await app.inject(first.json().next)
  t.equal(refused.json().visits, 4)
  t.equal(refused.headers['set-cookie'], undefined, "a link with somebody's id does not become the visitor's cookie")
  t.equal(idIn(refused.json().next), jar.value('s'))
  t.equal((await app.inject({ url: other, headers: { cookie: 's=gone' } })).json().visits, 2)
})

t.test(
  'an id that the server does not know, of another service or of no form: a fresh session, and no file outside',
  async t => {
    const app = await site(t, {
      '.psoaccess': 'PSOServiceId = s\nPSOSessionTransport = cookie url',
      'handler.ts': linked,
      other: { '.psoaccess': 'PSOServiceId = ss', 'handler.ts': linked },
    })
    const foreign = idIn((await app.inject('/other/')).json().next.replace('ss=', 's='))
    const known = idIn((await app.inject('/')).json().next)
    const before = filesBelow(join(app.stateDirectory, '..')).filter(name => !name.includes('sessions/'))
    const forms = [
      '../x',
      '..%2f..%2fx',
      '%2e%2e/%2e%2e/x',
      `${known}/../x`,
      `${known}%00`,
      '%00',
      'x'.repeat(8000),
      '%ff%fe',
      'ä'.repeat(27),
      '日'.repeat(9),
      `"${known}`,
      `${known}"`,
      `${known}x`,
      known!.slice(1),
      '',
      'A'.repeat(27),
      foreign,
    ]
    for (const form of forms) {
      for (const [way, request] of [
        ['URL', { url: `/?s=${form!.replace(/[^\x21-\x7e]|"/g, encodeURIComponent)}` }],
        ['cookie', { url: '/', headers: { cookie: Buffer.from(`s=${form}`).toString('latin1') } }],
      ] as const) {
        const answer = await app.inject(request)
        t.equal(answer.statusCode, 200, `${way} ${form!.slice(0, 40)}`)
        t.equal(answer.json().visits, 1, `${way} ${form!.slice(0, 40)}`)
        t.not(idIn(answer.json().next), form)
      }
    }
    for (const url of [`/?xs=${known}`, `/?sx=${known}`, `/?S=${known}`, `/?x=s=${known}`, `/?x=1;s=${known}`])
      t.equal((await app.inject(url)).json().visits, 1, url)
    t.equal((await app.inject({ url: '/', headers: { cookie: `s=${'x'.repeat(10_000)}` } })).json().visits, 1, '10 KB')
    t.equal((await app.inject(`/?s=${'x'.repeat(10_000)}`)).statusCode, 414, 'LimitRequestLine')
    t.equal((await app.inject({ url: '/', headers: { cookie: `xs=${known}; sx=${known}` } })).json().visits, 1)
    t.equal(
      (await app.inject({ url: '/', headers: { cookie: `s="${known}"` } })).json().visits,
      2,
      'quoted, it is the same',
    )
    t.same(
      filesBelow(join(app.stateDirectory, '..')).filter(name => !name.includes('sessions/')),
      before,
    )
  },
)

t.test('a session that is over is not known by its URL either', async t => {
  let now = Date.UTC(2030, 0)
  const app = await site(
    t,
    { '.psoaccess': 'PSOServiceId = s\nPSOSessionTransport = url\nPSOSessionExpire = 60', 'handler.ts': linked },
    { now: () => now },
  )
  const { next } = (await app.inject('/')).json()
  now += 59_000
  t.equal((await app.inject(next)).json().visits, 2)
  now += 1000
  const after = (await app.inject(next)).json()
  t.equal(after.visits, 1)
  t.not(idIn(after.next), idIn(next))
})

t.test('a forced id never stands in a URL', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\nPSOSessionTransport = cookie url\nPSOSessionId = 007',
    'handler.ts': linked,
  })
  t.same((await app.inject('/?s=other')).json(), { visits: 1, next: 'http://localhost/' })
  t.same((await app.inject('/')).json(), { visits: 2, next: 'http://localhost/' })
})

t.test('a session that ends gives URLs no id, one that is regenerated its new one', async t => {
  const app = await shop(t, 'url', runs)
  const link = (await app.inject(run('session.a = 1; return service.serviceUrl()'))).body
  const id = `&s=${idIn(link)}`
  const renewed = (await app.inject(run('await session.regenerate(); return service.serviceUrl()', id))).body
  t.match(idIn(renewed), /^[\w-]{27}$/)
  t.not(idIn(renewed), idIn(link))
  t.same((await app.inject(run('', id))).json(), {}, 'the old one is dead')
  const next = `&s=${idIn(renewed)}`
  t.same((await app.inject(run('', next))).json(), { a: 1 })
  for (const end of ['invalidate', 'expire'])
    t.equal(
      (await app.inject(run(`session.${end}(); return service.serviceUrl()`, next))).body,
      'http://localhost/',
      end,
    )
})

t.test('a redirect to serviceUrl() works without cookies', async t => {
  const app = await shop(t, 'url', runs)
  const answer = await app.inject(
    run("session.a = 1; service.redirect(service.serviceUrl('', { do: 'return String(session.a)' }))"),
  )
  t.equal(answer.statusCode, 302)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(answer.headers['referrer-policy'], 'no-referrer')
  const { pathname, search } = new URL(answer.headers.location as string)
  t.equal((await app.inject(pathname + search)).body, '1')
})

t.test('errors, flushed streams and pages that say otherwise are kept by no cache; files are', async t => {
  const app = await shop(t, 'url', runs, { 'a.css': 'x' })
  const url = await app.url()
  for (const [code, status] of [
    ['throw 1', 500],
    ['p.pso; service.sendStatus(404)', 404],
    ["req.write('a'); await req.flush(); req.write('b'); return ''", 200],
    [
      "service.setHeaderOut('Cache-Control', 'public'); service.setHeaderOut('Referrer-Policy', 'unsafe-url'); return 'a'",
      200,
    ],
  ] as const) {
    const answer = await fetch(url + run(code))
    await answer.text()
    t.equal(answer.status, status)
    t.equal(answer.headers.get('cache-control'), 'no-store', code)
    t.equal(answer.headers.get('referrer-policy'), 'no-referrer', code)
  }
  const file = await app.inject('/a.css')
  t.equal(file.headers['referrer-policy'], undefined)
  t.not(file.headers['cache-control'], 'no-store')
})

t.test('a handler that fails after it made a link leaves no session', async t => {
  const app = await shop(t, 'cookie url', runs)
  const answer = await app.inject(run("service.serviceUrl(); throw new Error('x')"))
  t.equal(answer.statusCode, 500)
  t.equal(answer.headers['set-cookie'], undefined)
  t.same(filesBelow(join(app.stateDirectory, 'sessions')), [])
})

t.test('after the first byte no link begins a session; a session that is there has its links', async t => {
  const app = await shop(t, 'url', runs)
  const url = await app.url()
  const late = await (
    await fetch(url + run('await req.flush(); try { service.serviceUrl() } catch (error) { return error.code }'))
  ).text()
  t.equal(late, 'too-late')
  const early = await (
    await fetch(url + run('session.a = 1; service.serviceUrl(); await req.flush(); return service.serviceUrl()'))
  ).text()
  t.same(await (await fetch(`${url}/?s=${idIn(early)}`)).json(), { a: 1 })
})

t.test('the id is no input of the page; a field of a form may have its name', async t => {
  const inputs = does(`
    const { session } = req.pso()
    session.a = 1
    return { inputs: req.pso().getInputSeq(), next: req.pso().serviceUrl('', { x: 1 }) }`)
  const app = await shop(t, 'url', inputs)
  const { next } = (await app.inject('/?x=0')).json()
  t.same((await app.inject(next)).json().inputs, [['x', '1']])
  const posted = await app.inject({
    method: 'POST',
    url: next,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: 's=y',
  })
  t.same(posted.json().inputs, [
    ['x', '1'],
    ['s', 'y'],
  ])
})

t.test('two services of one request each carry their id', async t => {
  const app = await shop(
    t,
    'url',
    does(`
      const { session } = req.pso()
      const other = await req.pso().getSession(undefined, { PSOServiceId: 'other' })
      session.n = (session.n ?? 0) + 1
      other.n = (other.n ?? 10) + 1
      return { n: [session.n, other.n], next: req.pso().serviceUrl() }`),
  )
  const { next } = (await app.inject('/')).json()
  t.same((await app.inject(next)).json().n, [2, 12])
})

t.test('no log keeps an id that stands in a URL', async t => {
  const tree = {
    'a.css': 'x',
    plain: { '.psoaccess': 'PSOSessionTransport = cookie\nErrorDocument = 404 /plain/', 'handler.ts': linked },
    lost: { '.psoaccess': 'PSOHandler = none\nErrorDocument = 404 /plain/' },
  }
  const app = await shop(t, 'url', runs, tree, { ini: 'AccessLog = access.log' })
  const id = idIn((await app.inject(run('session.a = 1; return service.serviceUrl()'))).body)!
  await app.inject(run("throw new Error('x')", `&s=${id}&y=2`))
  await app.inject(`/a.css?s=${id}`)
  await app.inject(`/missing?s=${id}`)
  t.equal((await app.inject(`/%zz?s=${id}`)).statusCode, 400)
  t.equal((await app.inject(`/lost/x?s=${id}`)).statusCode, 404)
  await app.inject(`/plain/?x=${'y'.repeat(27)}`)
  await app.close()
  const log = readFileSync(join(app.stateDirectory, 'access.log'), 'utf8')
  t.match(log, 's=***&y=2 HTTP/1.1')
  t.match(log, '/a.css?s=***')
  t.match(log, `/plain/?x=${'y'.repeat(27)}`, 'where no URL carries ids, nothing is masked')
  t.match(app.errorLog(), 's=***&y=2 500')
  t.notOk((log + app.errorLog()).includes(id))
})
