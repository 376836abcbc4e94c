import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { counter, does, Jar, visit } from '../support/handlers.ts'
import { site } from '../support/site.ts'

/** All files below a directory, relative to it. */
const filesBelow = (directory: string): string[] =>
  existsSync(directory)
    ? (readdirSync(directory, { recursive: true }) as string[]).filter(name => statSync(join(directory, name)).isFile())
    : []

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

t.test('a forced id is one session for all visitors, whatever cookie they bring, and sends none', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = MI6Service\nMI6Service = 007', 'handler.ts': counter })
  const numbers = []
  for (const headers of [{}, {}, { cookie: 'MI6Service=other' }]) {
    const answer = await app.inject({ url: '/', headers })
    t.equal(answer.headers['set-cookie'], undefined)
    numbers.push(visit(answer.body))
  }
  t.same(numbers, [1, 2, 3])
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

t.test('a date in the past makes every request a new session', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOSessionExpire = "Mon, 15 Apr 2001 19:00:00 GMT"',
    'handler.ts': counter,
  })
  const jar = new Jar()
  for (let time = 0; time < 3; time++) {
    const answer = await app.inject({ url: '/', headers: jar.headers })
    t.equal(visit(answer.body), 1)
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) jar.take({ 'set-cookie': line.replace(/;.*/, '') })
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

t.test('an unusable session directory is a 5xx and a log line with its path, never a silent 200', async t => {
  const app = await site(t, { '.psoaccess': 'PSOSessionFileLoader_Path = taken', 'handler.ts': counter })
  writeFileSync(join(app.stateDirectory, 'taken'), 'a file')
  const answer = await app.inject('/')
  t.ok(answer.statusCode >= 500, String(answer.statusCode))
  t.notMatch(answer.body, /taken/)
  t.match(app.errorLog(), new RegExp(join(app.stateDirectory, 'taken')))
})

t.test("CookieFileImpl with a PATH, and with getPath, plugged by a fixup of one's own", async t => {
  const top = t.testdir({})
  const app = await site(t, {
    path: {
      '.psoaccess': 'PSOHandler = path1test\nPSOFixupHandler = path1test::fixup\nPSOServiceId = one',
      'path1test.ts': `import { CookieFileImpl, pso, type Request } from 'pso'
class MyFileImpl extends CookieFileImpl { override PATH = ${JSON.stringify(join(top, 'by-path'))} }
export const fixup = (req: Request) => pso.fixup(req, MyFileImpl)
${counter.replace("import { OK, type Request } from 'pso'", 'const OK = 0')}`,
    },
    getPath: {
      '.psoaccess': 'PSOHandler = path2test\nPSOFixupHandler = path2test::fixup\nPSOServiceId = two',
      'path2test.ts': `import { CookieFileImpl, pso, type Request } from 'pso'
class MyFileImpl extends CookieFileImpl { override getPath (req: any, session: any) { return ${JSON.stringify(top)} + '/by-' + req.uri.replaceAll('/', '') + '-' + session.serviceId } }
export const fixup = (req: Request) => pso.fixup(req, MyFileImpl)
${counter.replace("import { OK, type Request } from 'pso'", 'const OK = 0')}`,
    },
  })
  for (const [url, directory] of [
    ['/path/', 'by-path'],
    ['/getPath/', 'by-getPath-two'],
  ] as const) {
    const jar = new Jar()
    for (const number of [1, 2]) {
      const answer = await app.inject({ url, headers: jar.headers })
      t.equal(visit(answer.body), number, answer.body)
      jar.take(answer.headers)
    }
    t.equal(sessionFiles(join(top, directory)).length, 1, directory)
  }
})

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

t.test('two services in one handler are two sessions and two cookies; getSession twice is one object', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = one',
    'handler.ts': does(`
      const p = req.pso()
      const other = await p.getSession(undefined, { PSOServiceId: 'Other' })
      p.session.n = (p.session.n ?? 0) + 1
      other.n = (other.n ?? 10) + 1
      return [p.session.n, other.n, (await p.getSession()) === p.session, (await p.getSession(undefined, { PSOServiceId: 'Other' })) === other]`),
  })
  const jar = new Jar()
  const first = await app.inject('/')
  t.same(first.json(), [1, 11, true, true])
  t.same(jar.take(first.headers).names.sort(), ['Other', 'one'])
  t.same((await app.inject({ url: '/', headers: jar.headers })).json(), [2, 12, true, true])
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
  for (const loader of ['file:', 'memory:']) {
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

t.test('what is not built yet is an error at its line', async t => {
  for (const line of [
    'PSOSessionLock = merge',
    'PSOSessionTransport = url',
    'PSOSessionTransport = cookie url',
    'PSOSessionLoader = redis://h/0',
    'PSOSessionLoader = a.ts::B',
  ]) {
    const app = await site(t, { '.psoaccess': line, 'handler.ts': counter })
    t.equal((await app.inject('/')).statusCode, 500, line)
    t.match(app.errorLog(), /\.psoaccess:1: PSOSession\w+: .*not built yet/, line)
  }
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
