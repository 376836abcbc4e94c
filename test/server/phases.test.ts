import { readFileSync } from 'node:fs'
import t from 'tap'
import { phases } from '../../server/phases.ts'
import { does, says } from '../support/handlers.ts'
import { isSeen, marks, seen, seenAtEnd } from '../support/seen.ts'
import { site } from '../support/site.ts'
import { until } from '../support/until.ts'
import { dial, head } from '../support/wire.ts'

const directoryPhases = phases.filter(({ name }) => name !== 'PostReadRequest' && name !== 'Trans')

/** A module with a function for every phase that writes its name into a global list. */
const tracer = phases
  .map(
    ({ name, defaultFunction }) =>
      `export const ${defaultFunction} = (req: any) => { ${marks(`'${name}'`)}; ${name === 'Authen' ? "req.user = 'me'" : ''} }\n`,
  )
  .join('')
const traced = directoryPhases.map(({ directive }) => `${directive} = trace.ts`).join('\n')

t.test('a request passes the eleven phases in order', async t => {
  const app = await site(
    t,
    { '.psoaccess': traced, 'trace.ts': tracer },
    { ini: 'PSOPostReadRequestHandler = ../public_html/trace.ts\nPSOTransHandler = ../public_html/trace.ts' },
  )
  const answer = await app.inject('/')
  t.equal(answer.statusCode, 200, app.errorLog())
  t.same(
    await seenAtEnd(),
    phases.map(({ name }) => name),
  )
})

t.test('every answer in every phase before the content, at once or later: who runs after it', async t => {
  // the answer, whether the next function of an `all` and of a `first` phase runs, whether the content runs, the status
  const answers = [
    ['', true, true, true, 200],
    ['return null', true, true, true, 200],
    ['return OK', true, false, true, 200],
    ['return 200', true, false, true, 200],
    ['return DECLINED', true, true, true, 200],
    ['return DONE', false, false, false, 200],
    ['return 204', false, false, false, 204],
    ['return 403', false, false, false, 403],
    ['return 503', false, false, false, 503],
    ['throw new ServerReturn(410)', false, false, false, 410],
    ['throw new Error("x")', false, false, false, 500],
    ['return true', false, false, false, 500],
    ['return "text"', false, false, false, 500],
    ['return {}', false, false, false, 500],
    ['return 42', false, false, false, 500],
    ['return 100', false, false, false, 500],
  ] as const
  const before = phases.filter(({ name }) => !['Content', 'Log', 'Cleanup'].includes(name))
  const text = (async: string): string => `import { DECLINED, DONE, OK, ServerReturn } from 'pso'
const seen = (name: string) => ${marks('name')}
export ${async} function a (req: any) {
  seen('a')
  req.user = 'me'
  switch (Number(req.headersIn.get('x-case'))) {
${answers.map(([body], at) => `    case ${at}: ${body}; break`).join('\n')}
  }
}
export ${async} function b () { seen('b') }
export const log = () => { seen('log') }
`
  for (const { name, directive, runs } of before)
    for (const async of ['', 'async']) {
      const line = (base: string): string => `${directive} = ${base}p.ts::a ${base}p.ts::b\n`
      const isServers = name === 'PostReadRequest' || name === 'Trans'
      const app = await site(
        t,
        {
          '.psoaccess': `${isServers ? '' : line('')}PSOLogHandler = p.ts`,
          'p.ts': text(async),
          'handler.ts': `export const handler = () => { ${marks("'content'")} }\n`,
        },
        { ini: isServers ? line('../public_html/') : '' },
      )
      for (const [at, [body, nextOfAll, nextOfFirst, content, status]] of answers.entries()) {
        const answer = await app.inject({ url: '/', headers: { 'x-case': String(at) } })
        const ran = await seenAtEnd()
        const next = runs === 'all' ? nextOfAll : nextOfFirst
        const isLogged = content || !isServers
        const expected = ['a', ...(next ? ['b'] : []), ...(content ? ['content'] : []), ...(isLogged ? ['log'] : [])]
        t.same([answer.statusCode, ran], [status, expected], `${async} ${name}: ${body}`)
      }
    }
})

t.test('Trans may change what is served', async t => {
  const app = await site(
    t,
    {
      'trans.ts':
        'export const trans = (req: any) => { if (req.unparsedUri === "/old?x=1") req.unparsedUri = "/new.txt" }\n',
      'new.txt': 'new',
    },
    { ini: 'PSOTransHandler = ../public_html/trans.ts' },
  )
  t.equal((await app.inject('/old?x=1')).body, 'new')
  t.equal((await app.inject('/old')).statusCode, 404)
})

t.test('Authen: OK without a user is an error; a user is seen by the handler', async t => {
  const app = await site(t, {
    none: {
      '.psoaccess': 'PSOAuthenHandler = a.ts',
      'a.ts': 'export const authen = () => 0\n',
      'handler.ts': says('in'),
    },
    one: {
      '.psoaccess': 'PSOAuthenHandler = a.ts',
      'a.ts': "export const authen = (req: any) => { req.user = 'ada'; return 0 }\n",
      'handler.ts': does('return req.user'),
    },
    declined: {
      '.psoaccess': 'PSOAuthenHandler = a.ts',
      'a.ts': 'export const authen = () => {}\n',
      'handler.ts': says('in'),
    },
  })
  t.equal((await app.inject('/none/')).statusCode, 500)
  t.equal((await app.inject('/one/')).body, 'ada')
  t.equal((await app.inject('/declined/')).body, 'in', 'nothing requires a user')
})

t.test('a default export is a page, never the function of another phase', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOAccessHandler = handler.ts',
    'handler.ts': 'export default () => "secret"\n',
  })
  t.equal((await app.inject('/')).statusCode, 500)
  t.match(app.errorLog(), /expected the function access .*\.psoaccess:1/)
})

t.test('an index and a fallback do not open what is closed, and are judged by their own configuration too', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'FallbackResource = /open/app.html\nOptions = Indexes',
      open: { '.psoaccess': '', 'app.html': 'app' },
      denied: { '.psoaccess': 'Require = all denied\nDirectoryIndex = /open/app.html' },
      refused: {
        '.psoaccess': 'DirectoryIndex = /open/app.html\nPSOAccessHandler = no.ts',
        'no.ts': 'export const access = () => 403',
      },
      'to-denied': { '.psoaccess': 'DirectoryIndex = /denied/a.html' },
      'to-refused': { '.psoaccess': 'FallbackResource = /refused/a.html' },
      index: {
        '.psoaccess': 'PSOAccessHandler = count.ts',
        'index.html': 'index',
        'count.ts':
          'export const access = (req: any) => { (globalThis as any).judged = ((globalThis as any).judged ?? 0) + 1 }',
      },
    },
    { ini: '[Location /admin]\nRequire = all denied' },
  )
  for (const [url, status] of [
    ['/anything', 200],
    ['/admin/anything', 403],
    ['/denied/', 403],
    ['/denied/missing', 403],
    ['/refused/', 403],
    ['/refused/missing', 403],
    ['/to-denied/', 403],
    ['/to-refused/missing', 403],
    ['/index/', 200],
  ] as const)
    t.equal((await app.inject(url)).statusCode, status, url)
  t.equal((globalThis as Record<string, unknown>)['judged'], 1, 'once where the configuration is the same')
})

t.test('the log phase runs for static files, 403, 404, failures and redirects', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts\nDirectorySlash = on',
    'log.ts': `export const log = (req: any) => { ${marks('[req.uri, req.status].join(" ")')} }\n`,
    'a.txt': 'a',
    sub: {},
    denied: { '.psoaccess': 'Require = all denied' },
    bad: { '.psoaccess': '', 'handler.ts': 'export const handler = () => { throw new Error("x") }\n' },
  })
  for (const [url, status] of [
    ['/a.txt', 200],
    ['/none', 404],
    ['/sub', 301],
    ['/sub/', 403],
    ['/denied/', 403],
    ['/bad/', 500],
  ] as const) {
    t.equal((await app.inject(url)).statusCode, status, url)
    t.same(await seenAtEnd(), [`${url} ${status}`])
  }
})

t.test('the document of an error: cookies stay, a redirect is one, a failing one is replaced, no circle', async t => {
  const declines = does('req.pso().setCookie("k", "v"); return 404')
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts\nPSOHandler = declines.ts',
    'log.ts': `export const log = (req: any) => { ${marks('[req.uri, req.status, req.options.of].join(" ")')} }\n`,
    'declines.ts': declines,
    'e.html': 'page',
    handled: { '.psoaccess': 'PSOOption = of handled\nErrorDocument = 404 /document/' },
    document: { '.psoaccess': 'PSOHandler = d.ts', 'd.ts': does('return `${req.status} ${req.uri}`') },
    file: { '.psoaccess': 'PSOOption = of file\nErrorDocument = 404 /e.html' },
    elsewhere: { '.psoaccess': 'PSOOption = of elsewhere\nErrorDocument = 404 /login/' },
    login: { '.psoaccess': 'PSOHandler = d.ts', 'd.ts': does('req.pso().redirect("/in")') },
    url: { '.psoaccess': 'PSOOption = of url\nErrorDocument = 404 https://x.test/' },
    fails: { '.psoaccess': 'PSOOption = of fails\nErrorDocument = 404 /failing/' },
    failing: { '.psoaccess': 'PSOHandler = d.ts', 'd.ts': does('req.write("half"); throw new Error("x")') },
    circle: { '.psoaccess': 'PSOOption = of circle\nErrorDocument = 404 /circle/again' },
  })
  const cases = [
    ['handled', 404, '404 /document/'],
    ['file', 404, 'page'],
    ['elsewhere', 302, ''],
    ['url', 302, /302 Found/],
    ['fails', 404, /<title>404 Not Found/],
    ['circle', 404, /<title>404 Not Found/],
  ] as const
  for (const [name, status, body] of cases) {
    const answer = await app.inject(`/${name}/`)
    t.equal(answer.statusCode, status, name)
    if (typeof body === 'string') t.equal(answer.body, body, name)
    else t.match(answer.body, body, name)
    t.match(answer.headers['set-cookie'], /^k=v/, name)
    t.same(await seenAtEnd(), [`/${name}/ ${status} ${name}`], 'the log is about what was asked for')
  }
})

t.test('the document of an error has the session of its own service', async t => {
  const app = await site(t, {
    a: {
      '.psoaccess': 'PSOServiceId = a\nErrorDocument = 404 /b/',
      'handler.ts': does('req.pso().session.x = 1; return 404'),
    },
    b: {
      '.psoaccess': 'PSOServiceId = b',
      'handler.ts': does('const { session } = req.pso(); session.y = 1; return `${session.serviceId} ${session.x}`'),
    },
  })
  const answer = await app.inject('/a/')
  t.equal(answer.body, 'b undefined')
  t.equal([answer.headers['set-cookie']].flat().length, 2)
})

t.test('cleanups run last registered first, after the log and before Cleanup', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = l.ts\nPSOCleanupHandler = l.ts',
    'l.ts': `export const log = () => { ${marks("'log'")} }\nexport const cleanup = () => { ${marks("'cleanup'")} }\n`,
    'handler.ts': does(
      `req.registerCleanup(() => ${marks("'first'")}); req.registerCleanup(() => ${marks("'second'")})`,
    ),
  })
  await app.inject('/')
  t.same(await seenAtEnd(), ['log', 'second', 'first', 'cleanup'])
})

t.test(
  'a client that goes away: the handler hears of it, the session is saved, log runs once when it has settled',
  async t => {
    const app = await site(t, {
      '.psoaccess': 'PSOLogHandler = log.ts\nPSOServiceId = s\ns = shared',
      'log.ts': `export const log = () => { ${marks("'log'")} }\n`,
      'handler.ts': does(`
      const { session } = req.pso()
      if (req.args === 'read') return String(session.kept)
      ;(globalThis as any).arrived()
      await new Promise<void>(resolve => req.signal.addEventListener('abort', () => resolve()))
      session.kept = 'yes'
      ;${marks("'handler'")}`),
    })
    const arrived = new Promise<void>(resolve => ((globalThis as any).arrived = resolve))
    const socket = dial(await app.url(), head('GET /'))
    await arrived
    socket.destroy()
    await until(() => isSeen('log'))
    t.same(seen(), ['handler', 'log'])
    t.equal((await app.inject('/?read')).body, 'yes')
    await seenAtEnd()
  },
)

t.test('a stop waits for a handler whose client has gone away, and for its log function', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts',
    'log.ts': `export const log = async () => { await new Promise(setImmediate); ${marks("'log'")} }\n`,
    'handler.ts': does(
      `(globalThis as any).arrived(); await new Promise<void>(resolve => ((globalThis as any).goOn = resolve)); ${marks("'handler'")}`,
    ),
  })
  const arrived = new Promise<void>(resolve => ((globalThis as any).arrived = resolve))
  const socket = dial(await app.url(), head('GET /'))
  await arrived
  socket.destroy()
  const closed = app.close()
  await new Promise(done => socket.once('close', done))
  t.same(await seenAtEnd(), [])
  ;(globalThis as any).goOn()
  await closed
  t.same(seen(), ['handler', 'log'], 'the stop has waited')
})

t.test('a replaced log handler does not keep the session from being saved', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = none\nPSOServiceId = s\ns = shared',
    'handler.ts': does('const { session } = req.pso(); session.n = (session.n ?? 0) + 1; return String(session.n)'),
  })
  t.same([(await app.inject('/')).body, (await app.inject('/')).body], ['1', '2'])
})

t.test('fixup runs once for a request, however many passes it takes', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOFixupHandler = f.ts\nErrorDocument = 404 /missing/\nPSOServiceId = one',
    'f.ts': `import { pso } from 'pso'\nexport const fixup = (req: any) => { ${marks("'fixup'")}; return pso.fixup(req) }\n`,
    'handler.ts': does('return 404'),
    missing: { '.psoaccess': '', 'handler.ts': does('req.pso().session.lost = 1; return `lost, ${req.status}`') },
  })
  const answer = await app.inject('/x')
  t.same([answer.statusCode, answer.body], [404, 'lost, 404'])
  t.equal([answer.headers['set-cookie']].flat().length, 1)
  t.same(await seenAtEnd(), ['fixup'])
})

t.test('the access log has one line a request, in the combined format, with its id in the error log', async t => {
  const app = await site(t, { 'a.txt': 'twelve bytes' })
  await app.inject({ url: '/a.txt?q=1', headers: { referer: 'http://r.test/', 'user-agent': 'a "quoted" agent' } })
  await app.inject('/none')
  await seenAtEnd()
  await app.close()
  const lines = readFileSync(`${app.stateDirectory}/access.log`, 'utf8').trimEnd().split('\n')
  t.equal(lines.length, 2)
  t.match(
    lines[0],
    /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/a\.txt\?q=1 HTTP\/1\.1" 200 \d+ "http:\/\/r\.test\/" "a \\"quoted\\" agent" -$/,
  )
  const [, id] = /\[id (\S{22})\] GET \/none 404/.exec(app.errorLog())!
  t.match(lines[1], new RegExp(`"GET /none HTTP/1\\.1" 404 .* ${id}$`))
})
