import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { filesBelow } from '../support/files-below.ts'
import { counter, does, Jar, visit } from '../support/handlers.ts'
import { startPso } from '../support/pso-process.ts'
import { site } from '../support/site.ts'

const sessionFiles = (directory: string): string[] => filesBelow(directory).filter(name => /[0-9a-f]{20,}$/.test(name))

t.test('PSOServiceId names the cookie; without it host and module do', async t => {
  const app = await site(
    t,
    {
      named: { '.psoaccess': "PSOServiceId = 'MI6Service'", 'handler.ts': counter },
      'a b': { 'c.d': { '.psoaccess': 'PSOHandler = some', 'some.ts': counter } },
    },
    { ini: 'ServerName = www.example.test' },
  )
  t.same(new Jar().take((await app.inject('/named/')).headers).names, ['MI6Service'])
  t.same(new Jar().take((await app.inject('/a%20b/c.d/')).headers).names, ['www.example.test.a_20b.c_2ed.some'])
})

t.test('a forced id goes by the default service id too, and names like none are still mistakes', async t => {
  const app = await site(t, {
    shop: { '.psoaccess': 'localhost.shop.handler = 007', 'handler.ts': counter },
    slip: { '.psoaccess': 'localhos.slip.handler = 007', 'handler.ts': counter },
    bad: { '.psoaccess': 'localhost.bad.handler = ../007', 'handler.ts': counter },
  })
  for (const number of [1, 2]) t.equal(visit((await app.inject('/shop/')).body), number)
  t.equal((await app.inject('/shop/')).headers['set-cookie'], undefined)
  t.equal((await app.inject('/slip/')).statusCode, 500)
  t.equal((await app.inject('/bad/')).statusCode, 500)
  t.match(app.errorLog(), /localhos\.slip\.handler: unknown directive/)
  t.match(app.errorLog(), /localhost\.bad\.handler: expected a session id/)
})

t.test('a forced id is not to be had by a cookie, nor an issued one by forcing', async t => {
  const app = await site(t, {
    forced: { '.psoaccess': 'PSOServiceId = s\nPSOSessionId = 007', 'handler.ts': counter },
    open: { '.psoaccess': 'PSOServiceId = s', 'handler.ts': counter },
  })
  await app.inject('/forced/')
  t.equal(visit((await app.inject({ url: '/open/', headers: { cookie: 's=007' } })).body), 1)
  t.equal(visit((await app.inject('/forced/')).body), 2)
})

t.test('how long a session lasts: the cookie says it and the server keeps to it', async t => {
  const at = Date.parse('2026-11-24T12:00:00Z')
  const cases = [
    ['PSOSessionExpire = 900 # 15 minutes', 900],
    ['PSOSessionExpire = "15*60" # 15 minutes', 900],
    ['PSOSessionExpires = (1+1)*60', 120],
    ['PSOSessionExpire = "Tue, 24 Nov 2026 12:15:00 GMT"', 900],
    ['PSOSessionExpire = "Mon, 24 Nov 2026 12:15:00 GMT"', 900],
    ['PSOSessionExpire = "Tuesday, 24-Nov-26 12:15:00 GMT"', 900],
    ['PSOSessionExpire = "Tue Nov 24 12:15:00 2026"', 900],
    ['PSOSessionExpireOn = 24-11-2026', 12 * 3600 - 1],
    ['PSOSessionExpireOn = 2026-11-24', 12 * 3600 - 1],
    ['PSOSessionIdle = 600', 600],
  ] as const
  for (const [line, seconds] of cases) {
    let now = at
    const app = await site(t, { '.psoaccess': line, 'handler.ts': counter }, { now: () => now })
    const jar = new Jar()
    const first = await app.inject('/')
    jar.take(first.headers)
    const cookie = String(first.headers['set-cookie'])
    if (line.startsWith('PSOSessionIdle')) t.notMatch(cookie, /expires|max-age/i, line)
    else {
      const given = (Date.parse(/expires=([^;]+)/i.exec(cookie)?.[1] ?? '') - at) / 1000
      t.ok(Math.abs(given - seconds) <= 2, `${line}: ${cookie}`)
    }
    now = at + seconds * 1000 - 5000
    t.equal(visit((await app.inject({ url: '/', headers: jar.headers })).body), 2, `${line}: just before`)
    now = line.startsWith('PSOSessionIdle') ? now + seconds * 1000 + 1000 : at + seconds * 1000 + 2000
    const after = await app.inject({ url: '/', headers: jar.headers })
    t.equal(visit(after.body), 1, `${line}: just after`)
    t.not(new Jar().take(after.headers).headers.cookie, jar.headers.cookie, `${line}: a new id`)
  }
})

t.test('what is no expiry is an error at its line, and nothing is evaluated', async t => {
  for (const value of ['soon', 'process.exit()', '1;2', '31-13-2030', '-5', '1/0', '60**9']) {
    const app = await site(t, { '.psoaccess': `\nPSOSessionExpire = ${value}`, 'handler.ts': counter })
    t.equal((await app.inject('/')).statusCode, 500, value)
    t.match(app.errorLog(), /\.psoaccess:2: PSOSessionExpire: expected/)
  }
})

t.test('expire in code: right away, in seconds, on a date, by a format; one cookie each', async t => {
  const at = Date.parse('2026-11-24T12:00:00Z')
  let now = at
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s',
      'handler.ts': does(`
        const { session } = req.pso()
        session.n = (session.n ?? 0) + 1
        if (req.args === 'now') session.expire()
        if (req.args === '900') session.expire(900)
        if (req.args === 'date') session.expire({ date: ${at + 900_000} })
        if (req.args === 'format') session.expire('Mon, 15 APR 2030 19:00:00', '%a, %d %b %Y %H:%M:%S')
        return String(session.n)`),
    },
    { now: () => now },
  )
  for (const [query, date] of [
    ['900', at + 900_000],
    ['date', at + 900_000],
    ['format', Date.parse('2030-04-15T19:00:00Z')],
  ] as const) {
    now = at
    const answer = await app.inject(`/?${query}`)
    const cookies = [answer.headers['set-cookie']].flat()
    t.equal(cookies.length, 1)
    t.equal(Date.parse(/expires=([^;]+)/i.exec(String(cookies[0]))![1]!), date, query)
    const jar = new Jar().take(answer.headers)
    now = date - 1000
    t.equal((await app.inject({ url: '/', headers: jar.headers })).body, '2')
    now = date + 1000
    t.equal((await app.inject({ url: '/', headers: jar.headers })).body, '1')
  }
  now = at
  const jar = new Jar().take((await app.inject('/')).headers)
  const old = jar.headers
  const ended = await app.inject({ url: '/?now', headers: old })
  t.equal([ended.headers['set-cookie']].flat().length, 1)
  t.same(jar.take(ended.headers).names, [], 'the cookie is deleted')
  t.equal((await app.inject({ url: '/', headers: old })).body, '1', 'the old id is unknown')
})

t.test('revert, save and a handler that throws', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\ns = shared',
    'handler.ts': does(`
      const { session } = req.pso()
      switch (req.args) {
        case 'set': session.a = 1; break
        case 'revert': session.a = 2; session.revert(); break
        case 'throw': session.a = 3; throw new Error('x')
        case 'saveThrow': session.a = 4; await session.save(); session.a = 5; throw new Error('x')
        case 'saveTwice': session.a = 6; await session.save(); await session.save(); req.write('text '); break
        case 'saveNotAwaited': session.a = 7; session.save(); break
        case '404': session.a = 8; return 404
        case 'serverReturn': session.a = 9; throw new ServerReturn(403)
      }
      return String(session.a)`),
  })
  const a = async (query: string): Promise<string> => (await app.inject(`/?${query}`)).body
  t.equal(await a('set'), '1')
  t.equal(await a('revert'), '1')
  t.equal(await a(''), '1')
  t.match(await a('throw'), /500/)
  t.equal(await a(''), '1')
  t.match(await a('saveThrow'), /500/)
  t.equal(await a(''), '4')
  t.equal(await a('saveTwice'), 'text 6')
  t.equal(await a(''), '6')
  t.equal(await a('saveNotAwaited'), '7')
  t.equal(await a(''), '7')
  await a('404')
  t.equal(await a(''), '8', 'a returned status saves')
  await a('serverReturn')
  t.equal(await a(''), '9', 'ServerReturn saves')
})

t.test('regenerate keeps the data under another id; invalidate ends it; the old ids stay dead', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s',
    'handler.ts': does(`
      const { session } = req.pso()
      session.n = (session.n ?? 0) + 1
      if (req.args === 'regenerate') await session.regenerate()
      if (req.args === 'invalidate') session.invalidate()
      return String(session.n)`),
  })
  const jar = new Jar().take((await app.inject('/')).headers)
  const first = jar.headers
  jar.take((await app.inject({ url: '/?regenerate', headers: first })).headers)
  t.not(jar.headers.cookie, first.cookie)
  t.equal((await app.inject({ url: '/', headers: jar.headers })).body, '3')
  t.equal((await app.inject({ url: '/', headers: first })).body, '1')
  const second = jar.headers
  jar.take((await app.inject({ url: '/?invalidate', headers: second })).headers)
  t.same(jar.names, [])
  t.equal((await app.inject({ url: '/', headers: second })).body, '1')
})

t.test('session files: one in the directory that is named, 0600 in 0700, its name tells nothing', async t => {
  const app = await site(t, {
    slash: {
      '.psoaccess': 'PSOServiceId = Svc\nPSOSessionFileLoader_Path = "where/it/is/"# note',
      'handler.ts': counter,
    },
    plain: { '.psoaccess': 'PSOServiceId = Svc\nPSOSessionFileLoader_Path = other', 'handler.ts': counter },
    normal: { '.psoaccess': 'PSOServiceId = Svc', 'handler.ts': counter },
  })
  for (const [url, path] of [
    ['/slash/', 'where/it/is'],
    ['/plain/', 'other'],
    ['/normal/', 'sessions'],
  ] as const) {
    const id = new Jar().take((await app.inject(url)).headers).value('Svc')!
    const directory = join(app.stateDirectory, path)
    const files = sessionFiles(directory)
    t.equal(files.length, 1, `${url}: ${files}`)
    t.equal(statSync(directory).mode & 0o777, 0o700)
    t.equal(statSync(join(directory, files[0]!)).mode & 0o777, 0o600)
    t.notOk(files[0]!.includes(id) || files[0]!.includes('Svc'))
  }
})

t.test(
  'an unusable place for sessions is a 5xx and a log line with its path, never a silent 200, for those who need it',
  async t => {
    for (const directive of ['PSOSessionFileLoader_Path = taken', 'PSOSessionLoader = sqlite:taken']) {
      const app = await site(t, {
        '.psoaccess': directive,
        'handler.ts': counter,
        other: { '.psoaccess': 'PSOSessionFileLoader_Path = free\nPSOSessionLoader = file:', 'handler.ts': counter },
      })
      writeFileSync(join(app.stateDirectory, 'taken'), 'a file, and no database. '.repeat(100))
      const answer = await app.inject('/')
      t.ok(answer.statusCode >= 500, String(answer.statusCode))
      t.notMatch(answer.body, /taken/)
      t.match(app.errorLog(), new RegExp(join(app.stateDirectory, 'taken')))
      t.equal(visit((await app.inject('/other/')).body), 1)
    }
  },
)

t.test('every attribute of the session cookie', async t => {
  const app = await site(t, {
    shop: {
      '.psoaccess': `PSOServiceId = s
PSOCookieSession_Comment = hi
PSOCookieSession_Domain = example.test
psocookiesession_max-age = 60
PSOCookieSession_Path = /shop
PSOCookieSession_Version = 1
PSOCookieSession_Secure = on
PSOCookieSession_expires = "Tue, 15 Apr 2031 19:00:00 GMT"
PSOCookieSession_HttpOnly = off
PSOCookieSession_SameSite = None
PSOCookieSession_Partitioned = on
PSOCookieSession_Priority = High`,
      'handler.ts': counter,
    },
  })
  const cookie = String((await app.inject('/shop/')).headers['set-cookie'])
  for (const part of [
    'Comment=hi',
    'Domain=example.test',
    'Max-Age=60',
    'Path=/shop',
    'Version=1',
    'Secure',
    'SameSite=None',
    'Partitioned',
    'Priority=High',
  ])
    t.ok(cookie.split('; ').includes(part), `${part} in ${cookie}`)
  t.match(cookie, /expires=Tue, 15 Apr 2031 19:00:00 GMT/i)
  t.notMatch(cookie, /HttpOnly/i)
})

t.test('ids that were never issued, or are of the wrong form, are never adopted', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = MI6Service', 'handler.ts': counter })
  const jar = new Jar().take((await app.inject('/')).headers)
  const id = jar.value('MI6Service')!
  const wrong = [
    '../x',
    '..%2fx',
    'x'.repeat(10_000),
    'A'.repeat(27),
    '%00',
    'ä',
    '""',
    `"${id}x"`,
    `${id}x`,
    id.slice(1),
    'handler',
    '007',
  ]
  for (const value of [
    ...wrong.map(one => `MI6Service=${one}`),
    `XMI6Service=${id}`,
    `MI6ServiceX=${id}`,
    `mi6service=${id}`,
  ]) {
    const answer = await app.inject({ url: '/', headers: { cookie: value } })
    t.equal(answer.statusCode, 200, value.slice(0, 40))
    t.equal(visit(answer.body), 1, value.slice(0, 40))
    t.notOk(value.includes(new Jar().take(answer.headers).value('MI6Service')!), 'another id')
  }
  const several = await app.inject({ url: '/', headers: { cookie: `MI6Service=${'A'.repeat(27)}; MI6Service=${id}` } })
  t.equal(visit(several.body), 2, 'of several, the one that is known')
})

t.test('an id of another service is unknown', async t => {
  const app = await site(t, {
    a: { '.psoaccess': 'PSOServiceId = a', 'handler.ts': counter },
    b: { '.psoaccess': 'PSOServiceId = b', 'handler.ts': counter },
  })
  const id = new Jar().take((await app.inject('/a/')).headers).value('a')
  t.equal(visit((await app.inject({ url: '/b/', headers: { cookie: `b=${id}` } })).body), 1)
})

t.test('a value that no session can hold is a 500 naming its key; the stored session is untouched', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\ns = shared',
    'handler.ts': does(
      'const { session } = req.pso(); if (req.args) session.cart = [{ f: () => 1 }]; session.n = (session.n ?? 0) + 1; return String(session.n)',
    ),
  })
  t.equal((await app.inject('/')).body, '1')
  t.equal((await app.inject('/?bad')).statusCode, 500)
  t.match(app.errorLog(), /cart.*0.*f/)
  t.equal((await app.inject('/')).body, '2')
})

t.test('50 requests at once on one session, with a wait between reading and writing, count 50', async t => {
  for (const loader of ['file:', 'memory:', 'sqlite:sessions.db']) {
    const app = await site(t, {
      '.psoaccess': `PSOServiceId = s\nPSOSessionLoader = ${loader}`,
      'handler.ts': does(
        'const { session } = req.pso(); const n = session.n ?? 0; await new Promise(setImmediate); session.n = n + 1; return String(session.n)',
      ),
    })
    const jar = new Jar().take((await app.inject('/')).headers)
    await Promise.all(Array.from({ length: 50 }, () => app.inject({ url: '/', headers: jar.headers })))
    t.equal((await app.inject({ url: '/', headers: jar.headers })).body, '52', loader)
  }
})

t.test('waiting for the lock ends with 503, never by going on without it', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\nPSOSessionLockWait = 1',
    'handler.ts': does(
      'const { session } = req.pso(); session.n = (session.n ?? 0) + 1; if (req.args) await (globalThis as any).released; return String(session.n)',
    ),
  })
  const jar = new Jar().take((await app.inject('/')).headers)
  let release = (): void => {}
  ;(globalThis as any).released = new Promise<void>(resolve => (release = resolve))
  const holder = app.inject({ url: '/?hold', headers: jar.headers }).then(answer => answer)
  const waiter = await app.inject({ url: '/', headers: jar.headers })
  t.equal(waiter.statusCode, 503, app.errorLog())
  release()
  t.equal((await holder).body, '2')
  t.equal((await app.inject({ url: '/', headers: jar.headers })).body, '3')
})

t.test('PSOSessionReadOnly never waits, and what is written to it is refused', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s',
    'handler.ts': does('const { session } = req.pso(); session.n = 1; await (globalThis as any).free; return "done"'),
    look: {
      '.psoaccess': 'PSOSessionReadOnly = on',
      'handler.ts': does('const { session } = req.pso(); if (req.args) session.n = 5; return String(session.n)'),
    },
  })
  const jar = new Jar().take((await app.inject('/')).headers)
  let free = (): void => {}
  ;(globalThis as any).free = new Promise<void>(resolve => (free = resolve))
  const holder = app.inject({ url: '/', headers: jar.headers }).then(answer => answer)
  t.equal((await app.inject({ url: '/look/', headers: jar.headers })).body, '1')
  t.equal((await app.inject({ url: '/look/?write', headers: jar.headers })).statusCode, 500)
  free()
  await holder
})

t.test('memory: with more than one worker is an error at its line', async t => {
  const app = await site(t, { '.psoaccess': '\n\nPSOSessionLoader = memory:', 'handler.ts': counter }, { workers: 2 })
  t.equal((await app.inject('/')).statusCode, 500)
  t.match(app.errorLog(), /\.psoaccess:3: PSOSessionLoader: expected file: with 2 workers/)
})

t.test('a session cookie is Secure where the request came over TLS, as TrustProxy sees it', async t => {
  const tree = { '.psoaccess': '', 'handler.ts': counter }
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }
  const trusting = await site(t, tree, { ini: 'TrustProxy = 127.0.0.1' })
  t.match((await trusting.inject({ url: '/', headers })).headers['set-cookie'], /; Secure/)
  const wary = await site(t, tree)
  t.notMatch((await wary.inject({ url: '/', headers })).headers['set-cookie'], /Secure/)
})

t.test('a damaged session file gives a fresh session, and is logged once', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': counter })
  mkdirSync(join(app.stateDirectory, 'sessions'), { recursive: true, mode: 0o700 })
  const jar = new Jar().take((await app.inject('/')).headers)
  const directory = join(app.stateDirectory, 'sessions')
  for (const name of sessionFiles(directory)) writeFileSync(join(directory, name), 'nonsense')
  const answer = await app.inject({ url: '/', headers: jar.headers })
  t.equal(answer.statusCode, 200)
  t.equal(visit(answer.body), 1)
})

/** A handler that runs what the query says, with `session` at hand. */
const runs = does(
  "const { session } = req.pso(); return String(await eval('(async () => {' + decodeURIComponent(req.args ?? '') + '})()'))",
)
const run = (code: string): string => `/?${encodeURIComponent(code)}`

t.test('a visitor who only reads gets no cookie and no entry, whatever is said of the life of the session', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  for (const code of ['return session.a', 'session.expire(900)', 'session.touch()', 'session.expire()']) {
    const answer = await app.inject(run(code))
    t.equal(answer.statusCode, 200, code)
    t.equal(answer.headers['set-cookie'], undefined, code)
  }
  t.same(sessionFiles(join(app.stateDirectory, 'sessions')), [])
})

t.test('revert goes back to the last load or save, in everything', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const cookieOf = (answer: { headers: object }): string =>
    String((answer.headers as { 'set-cookie'?: string })['set-cookie'])
  const saved = await app.inject(run('session.a = 1; await session.save(); session.expire(); session.revert()'))
  const jar = new Jar().take(saved.headers)
  t.same(jar.names, ['s'], 'an end that was taken back leaves the cookie')
  const { headers } = jar
  t.equal((await app.inject({ url: run('return session.a'), headers })).body, '1')
  const unchanged = await app.inject({ url: run('session.expire(60); session.revert()'), headers })
  t.equal(unchanged.headers['set-cookie'], undefined)
  t.notMatch(cookieOf(await app.inject(run('session.expire(60); session.revert(); session.a = 1'))), /Max-Age/)
  const kept = await app.inject({ url: run('session.expire(60); await session.save(); session.revert()'), headers })
  t.match(cookieOf(kept), /Max-Age=60/, 'what was saved is told')
  const ended = await app.inject({
    url: run('session.expire(); await session.save(); session.revert(); return session.status'),
    headers,
  })
  t.equal(ended.body, 'ended', 'an end that was saved stands')
  t.match(cookieOf(ended), /^s=;.*Max-Age=0/)
  t.equal((await app.inject({ url: run('return session.a'), headers })).body, 'undefined')
})

t.test('a session that is ended after its cookie has left is not there', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const answer = await app.inject(run('session.a = 1; req.write(""); await req.flush(); session.expire()'))
  const { headers } = new Jar().take(answer.headers)
  t.ok(headers.cookie)
  t.equal((await app.inject({ url: run('return session.a'), headers })).body, 'undefined')
})

t.test('after the first byte no session can begin: an error naming the key and its line', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const url = await app.url()
  await t.rejects(fetch(url + run('req.write("x"); await req.flush(); session.cart = 5')).then(answer => answer.text()))
  t.match(app.errorLog(), /session\.cart cannot be set.*handler\.ts:\d+/)
})

t.test('expire takes an HTTP date as text, GMT without a zone, and nothing that is no time', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  for (const text of [
    'Mon, 15 Apr 2030 19:00:00 GMT',
    'Tue, 15 Apr 2030 19:00:00',
    'Monday, 15-Apr-30 19:00:00 GMT',
    'Mon Apr 15 19:00:00 2030',
  ]) {
    const answer = await app.inject(run(`session.a = 1; session.expire(${JSON.stringify(text)})`))
    t.match(answer.headers['set-cookie'], /Expires=Mon, 15 Apr 2030 19:00:00 GMT/, text)
  }
  for (const when of ['"soon"', '"1"', 'NaN', '1e18', 'Infinity', '{ date: 1e17 }', '{}', 'null', 'new Date(NaN)'])
    t.equal((await app.inject(run(`session.a = 1; session.expire(${when})`))).statusCode, 500, when)
})

t.test('the names of the methods are reserved: assigning one is a TypeError that says so', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const names =
    'id serviceId status isNew getExpire expire save revert regenerate invalidate touch release update label'.split(' ')
  for (const name of names) {
    const code = `try { session.${name} = 1 } catch (e) { return e.constructor.name + ': ' + e.message }`
    t.match((await app.inject(run(code))).body, new RegExp(`^TypeError: session\\.${name} is a method`))
  }
  const code = 'session.__proto__ = 1; session.constructor = 2; session.toString = 3; return Object.keys(session)'
  t.equal((await app.inject(run(code))).body, '__proto__,constructor,toString')
})

t.test('PSOSessionReadOnly refuses every change, and an end too', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s',
    'handler.ts': runs,
    look: { '.psoaccess': 'PSOSessionReadOnly = on', 'handler.ts': runs },
  })
  const { headers } = new Jar().take((await app.inject(run('session.a = 1'))).headers)
  for (const code of [
    'session.a = 2',
    'session.expire()',
    'session.expire(900)',
    'session.invalidate()',
    'session.save()',
    'session.regenerate()',
  ]) {
    const answer = await app.inject({ url: `/look${run(code)}`, headers })
    t.equal(answer.statusCode, 500, code)
    t.equal(answer.headers['set-cookie'], undefined, code)
  }
  t.equal((await app.inject({ url: `/look${run('session.touch(); return session.a')}`, headers })).body, '1')
  t.equal((await app.inject(`/look${run('session.a = 1')}`)).statusCode, 500, 'nor can one begin')
})

t.test('one place of one service is opened once in a request, whatever class asks for it', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\nPSOSessionLockWait = 1',
    'handler.ts': does(`
      const { session } = req.pso()
      session.n = (session.n ?? 0) + 1
      const other = await req.pso().getSession(p.CookieFileImpl)
      return [other === session, other.n]`),
  })
  const jar = new Jar().take((await app.inject('/')).headers)
  t.same((await app.inject({ url: '/', headers: jar.headers })).json(), [true, 2])
})

t.test("the path of a class is relative to StateDirectory, and held to the rules of the directive's", async t => {
  const withPath = (path: string): string => `import { CookieFileImpl, fixup as bring, type Request } from 'pso'
class Mine extends CookieFileImpl { override getPath (req: Request) { return ${path} } }
export const fixup = (req: Request) => bring(req, Mine)
export function handler (req: Request) { req.pso().session.a = 1 }`
  const lines = 'PSOFixupHandler = handler::fixup'
  const app = await site(t, {
    relative: { '.psoaccess': lines, 'handler.ts': withPath("'mine'") },
    inside: { '.psoaccess': lines, 'handler.ts': withPath("req.documentRoot() + '/inside/kept'") },
    none: { '.psoaccess': lines, 'handler.ts': withPath("Promise.resolve('x') as any") },
  })
  t.equal((await app.inject('/relative/')).statusCode, 200, app.errorLog())
  t.equal(sessionFiles(join(app.stateDirectory, 'mine')).length, 1)
  t.equal((await app.inject('/inside/')).statusCode, 500)
  t.match(app.errorLog(), /getPath of the session's class: expected a path outside the document root.*inside\/kept/)
  t.notOk(existsSync(join(app.root, 'inside/kept')))
  t.equal((await app.inject('/none/')).statusCode, 500)
})

t.test('memory: with more than one worker is an error for a single call too', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': '',
      'handler.ts': does("await req.pso().getSession(undefined, { PSOServiceId: 'o', PSOSessionLoader: 'memory:' })"),
    },
    { workers: 2 },
  )
  t.equal((await app.inject('/')).statusCode, 500)
  t.match(app.errorLog(), /PSOSessionLoader: expected file: with 2 workers, got memory:.*handler\.ts/)
})

t.test('a session that the log phase opens is saved and unlocked too', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\nPSOSessionLockWait = 1\nPSOLogHandler = log',
    'log.ts': `export async function log (req: any) {
  if (!req.uri.endsWith('.txt')) return
  const session = await req.pso().getSession()
  try { session.seen = (session.seen ?? 0) + 1 } catch (error) { req.logError(error.message) }
}`,
    'a.txt': 'text',
    'handler.ts': does(
      'const { session } = req.pso(); session.n = (session.n ?? 0) + 1; return JSON.stringify(session)',
    ),
  })
  const { headers } = new Jar().take((await app.inject('/')).headers)
  await app.inject({ url: '/a.txt', headers })
  await app.inject({ url: '/a.txt', headers })
  await app.inject('/a.txt')
  // the log phase comes after the answer
  while (!app.errorLog().includes('session.seen cannot be set')) await new Promise(setImmediate)
  t.same((await app.inject({ url: '/', headers })).json(), { n: 2, seen: 2 })
})

t.test('without an expiry a session ends after a day unused; the clock may go', async t => {
  const day = 24 * 60 * 60 * 1000
  const at = Date.parse('2026-11-24T12:00:00Z')
  for (const loader of ['file:', 'memory:'])
    for (const [moves, visits, title] of [
      [[day - 1000, 2 * day - 2000], [2, 3], 'used each day'],
      [[day + 1000], [1], 'a day unused, or the clock a day ahead'],
      [[-4 * 60_000], [2], 'the clock some minutes back'],
      [[-6 * 60_000], [1], 'a record from more than 5 minutes in the future'],
      [[-day], [1], 'the clock a day back'],
    ] as const) {
      let now = at
      const app = await site(
        t,
        { '.psoaccess': `PSOServiceId = s\nPSOSessionLoader = ${loader}`, 'handler.ts': counter },
        { now: () => now },
      )
      const { headers } = new Jar().take((await app.inject('/')).headers)
      const seen = []
      for (const move of moves) {
        now = at + move
        const answer = await app.inject({ url: '/', headers })
        t.equal(answer.statusCode, 200)
        seen.push(visit(answer.body))
      }
      t.same(seen, visits, `${loader} ${title}`)
    }
})

t.test('a cookie is taken back with the attributes it was given with', async t => {
  const app = await site(t, {
    '.psoaccess': `PSOServiceId = s
PSOCookieSession_Domain = example.test
PSOCookieSession_Path = /shop
PSOCookieSession_Secure = on
PSOCookieSession_SameSite = None
PSOCookieSession_Partitioned = on`,
    'handler.ts': runs,
  })
  const given = await app.inject(run('session.a = 1'))
  const { headers } = new Jar().take(given.headers)
  const taken = await app.inject({ url: run('session.expire(900); session.expire()'), headers })
  t.equal(
    taken.headers['set-cookie'],
    's=; Path=/shop; Domain=example.test; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; SameSite=None; Partitioned',
  )
})

t.test('a name with a prefix brings what browsers ask of it', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = __Host-s',
    'handler.ts': counter,
    domain: { '.psoaccess': 'PSOCookieSession_Domain = example.test' },
    path: { '.psoaccess': 'PSOCookieSession_Path = /path' },
    secure: { '.psoaccess': 'PSOCookieSession_Secure = off' },
  })
  t.match((await app.inject('/')).headers['set-cookie'], /^__Host-s=[\w-]{27}; Path=\/; Secure; HttpOnly/)
  for (const [url, name] of [
    ['/domain/', 'Domain'],
    ['/path/', 'Path'],
    ['/secure/', 'Secure'],
  ] as const) {
    t.equal((await app.inject(url)).statusCode, 500)
    t.match(app.errorLog(), new RegExp(`\\.psoaccess:1: PSOCookieSession_${name}: expected`))
  }
})

t.test('calls that nobody awaited are awaited, with those that they begin; a failure is a failed save', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const { headers } = new Jar().take((await app.inject(run('session.n = 1'))).headers)
  const later = 'new Promise(resolve => setTimeout(resolve, 20))'
  await app.inject({
    url: run(
      `session.update(async s => { await ${later}; s.n = 2; s.update(async s => { await ${later}; s.n = 3 }) })`,
    ),
    headers,
  })
  t.equal((await app.inject({ url: run('return session.n'), headers })).body, '3')
  const failed = await app.inject({
    url: run(`session.n = 4; session.update(async s => { await ${later}; s.f = () => 1 })`),
    headers,
  })
  t.equal(failed.statusCode, 500)
  t.match(app.errorLog(), /session\.f cannot be kept/)
})

t.test('a client that goes away: what the handler did is saved all the same', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\ns = shared',
    'handler.ts': does(`
      const { session } = req.pso()
      if (req.args !== 'slow') return String(session.n)
      if (req.signal.aborted) throw new Error('too early')
      const gone = new Promise(resolve => req.signal.addEventListener('abort', resolve))
      ;(globalThis as any).begun()
      await gone
      session.n = 7`),
  })
  const url = await app.url()
  const begun = new Promise<void>(resolve => {
    ;(globalThis as any).begun = resolve
  })
  const abort = new AbortController()
  const answer = fetch(`${url}/?slow`, { signal: abort.signal })
  await begun
  abort.abort()
  await t.rejects(answer)
  t.equal(await (await fetch(`${url}/`)).text(), '7')
})

t.test(
  'an error that nobody caught leaves the session as it was: a 500, or a cut after the response began',
  async t => {
    const dir = t.testdir({
      conf: { 'server.ini': 'Listen = 127.0.0.1:0\nErrorLog = stderr\n' },
      public_html: {
        '.psoaccess': 'PSOServiceId = s\ns = shared',
        'handler.ts': does(`
        const { session } = req.pso()
        if (req.args === undefined) return String(session.n)
        session.n = (session.n ?? 0) + 1
        if (req.args === 'count') return String(session.n)
        req.write('begun')
        if (req.args === 'flushed') await req.flush()
        setImmediate(() => { throw new Error('nobody catches this') })
        await new Promise(resolve => setTimeout(resolve, 50))
        session.n = 99
        return OK`),
      },
    })
    const pso = startPso(t, ['serve', '--production', '--workers', '1', '--config', join(dir, 'conf/server.ini')])
    const url = await pso.url
    const get = async (query: string): Promise<string> => await (await fetch(url + query)).text()
    t.equal(await get('/?count'), '1')
    t.match(await get('/?buffered'), /500 Internal Server Error/)
    t.equal(await get('/'), '1')
    await t.rejects(get('/?flushed'), 'the client can tell that something is missing')
    t.equal(await get('/'), '1')
    t.equal(await get('/?count'), '2')
    t.match(pso.errors(), /nobody catches this.*handler\.ts:\d+/)
  },
)

t.test('regenerate, then an error: the answer brings the new id, and the data are there', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const jar = new Jar().take((await app.inject(run('session.a = 1'))).headers)
  const before = jar.headers
  const failed = await app.inject({
    url: run('await session.regenerate(); session.a = 2; throw new Error("x")'),
    headers: before,
  })
  t.equal(failed.statusCode, 500)
  jar.take(failed.headers)
  t.not(jar.headers.cookie, before.cookie)
  t.equal((await app.inject({ url: run('return session.a'), headers: jar.headers })).body, '1')
  t.equal((await app.inject({ url: run('return session.a'), headers: before })).body, 'undefined')
})

t.test('an end cannot be undone by a slower request, with the lock or without', async t => {
  for (const loader of ['file:', 'memory:'])
    for (const lock of ['on', 'off'])
      for (const end of [
        'session.invalidate()',
        'session.expire()',
        'await session.regenerate()',
        'session.expire(-1)',
      ]) {
        const app = await site(t, {
          '.psoaccess': `PSOServiceId = s\nPSOSessionLoader = ${loader}\nPSOSessionLock = ${lock}`,
          'handler.ts': runs,
        })
        const { headers } = new Jar().take((await app.inject(run('session.a = 1'))).headers)
        const later = 'await new Promise(resolve => setTimeout(resolve, 30)); session.a = 2'
        // with the lock the end waits for the slow one, or the slow one finds an end
        const [slow, ended] = await Promise.all([
          app.inject({ url: run(later), headers }),
          app.inject({ url: run(end), headers }),
        ])
        t.equal(ended.statusCode, 200, end)
        if (lock === 'off') t.equal(slow.statusCode, 503, 'never a silent loss')
        t.equal(
          (await app.inject({ url: run('return session.a'), headers })).body,
          'undefined',
          `${loader} ${lock} ${end}`,
        )
      }
})

t.test('release saves and unlocks early, and so does the first flush of an event stream', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\nPSOSessionLockWait = 1',
    'handler.ts': does(`
      const { session } = req.pso()
      session.n = (session.n ?? 0) + 1
      if (req.args === 'release') await session.release()
      if (req.args === 'stream') {
        req.contentType = 'text/event-stream'
        req.write('data: 1')
        await req.flush()
      }
      if (req.args !== undefined) {
        ;(globalThis as any).begun()
        await (globalThis as any).free
      }
      return String(session.n)`),
  })
  const { headers } = new Jar().take((await app.inject('/')).headers)
  for (const query of ['release', 'stream']) {
    let free = (): void => {}
    ;(globalThis as any).free = new Promise<void>(resolve => (free = resolve))
    const begun = new Promise<void>(resolve => {
      ;(globalThis as any).begun = resolve
    })
    const long = app.inject({ url: `/?${query}`, headers }).then(answer => answer)
    await begun
    const other = await app.inject({ url: '/', headers })
    t.equal(other.body, query === 'release' ? '3' : '5', 'what was there is saved, and nobody waits')
    free()
    t.equal((await long).statusCode, 200)
  }
  t.equal((await app.inject({ url: '/', headers })).body, '6')
})

t.test("the session's cookie is not to be set beside it: one of that name in an answer", async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const answer = await app.inject(
    run('session.a = 1; try { req.pso().setCookie("s", "x") } catch (error) { return error.message }'),
  )
  t.match(answer.body, /the cookie s is the session's/)
  t.type(answer.headers['set-cookie'], 'string')
})

t.test('a store that cannot be reached is said at the start, and only what needs it is 503', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': '',
      'handler.ts': counter,
      files: { '.psoaccess': 'PSOSessionLoader = file:', 'handler.ts': counter },
      'a.txt': 'text',
    },
    { ini: 'PSOSessionLoader = redis://me:secret@127.0.0.1:1/0' },
  )
  while (!app.errorLog().includes('session store')) await new Promise(resolve => setTimeout(resolve, 10))
  t.match(app.errorLog(), /the session store redis:\/\/127\.0\.0\.1:1\/0 cannot be used: .*ECONNREFUSED/)
  const failed = await app.inject('/')
  t.equal(failed.statusCode, 503)
  t.equal(failed.headers['set-cookie'], undefined)
  t.equal((await app.inject('/files/')).statusCode, 200)
  t.equal((await app.inject('/a.txt')).statusCode, 200)
  t.notMatch(app.errorLog(), /secret/)
})
