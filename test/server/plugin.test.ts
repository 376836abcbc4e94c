import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastifyCookie from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import pso, { type PluginOptions, ServerReturn } from '../../server/door.ts'
import { belowPrefix } from '../../server/plugin.ts'
import { counter, does, Jar, says, visit } from '../support/handlers.ts'
import { openBelow } from '../support/open-files.ts'
import { plant, type Tree } from '../support/site.ts'
import { wire } from '../support/wire.ts'

/** One for each site, also within one test. */
function freshDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'pso-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A document root, and the options of a site on it that keeps its state beside it. */
function mountable(t: Test, tree: Tree, directives: PluginOptions['directives'] = {}): PluginOptions & { top: string } {
  const top = freshDirectory(t)
  const root = join(top, 'public_html')
  plant(root, tree)
  return {
    top,
    root,
    directives: {
      StateDirectory: join(top, '.pso'),
      ErrorLog: 'error.log',
      LogLevel: 'debug',
      AccessLog: 'access.log',
      ...directives,
    },
  }
}

const logOf = (top: string, name: string): string =>
  existsSync(join(top, '.pso', name)) ? readFileSync(join(top, '.pso', name), 'utf8') : ''

function appOf(t: Test, options: FastifyServerOptions = {}): FastifyInstance {
  const app = Fastify(options)
  t.teardown(() => app.close())
  return app
}

/** What a handler knows of its place. */
const tells = does(`const s = req.pso()
return {
  uri: req.uri, unparsedUri: req.unparsedUri, pathInfo: req.pathInfo, args: req.args,
  script: req.subprocessEnv.SCRIPT_NAME, requestUri: req.subprocessEnv.REQUEST_URI,
  constructed: req.constructUrl('/x'), url: s.getUrl().href, service: s.serviceUrl('cart'), ofServer: s.serviceUrl('/shop/'),
  base: s.baseUrl(), page: s.pageUrl('p.html'),
}`)

t.test('a site below a prefix: inside paths are as without it, outward it stands in front', async t => {
  const app = appOf(t)
  const site = mountable(t, {
    '.psoaccess': 'Options = Indexes\nRedirect = 301 /old /new\nErrorDocument = 404 /missing.html',
    'index.html': 'the front page',
    'missing.html': 'nothing here',
    'a.txt': 'a file',
    list: { 'x y.txt': 'x' },
    tells: { '.psoaccess': '', 'handler.ts': tells },
  })
  await app.register(pso, { ...site, prefix: '/legacy' })
  const get = (url: string) => app.inject({ url, headers: { host: 'h.test' } })

  t.equal((await get('/legacy/')).body, 'the front page')
  t.equal((await get('/legacy/a.txt')).body, 'a file')
  t.match(await get('/legacy/none'), { statusCode: 404, body: 'nothing here' })
  for (const [url, location] of [
    ['/legacy', '/legacy/'],
    ['/legacy?a=1', '/legacy/?a=1'],
    ['/legacy/list', '/legacy/list/'],
    ['/legacy/old/x?a=1', '/legacy/new/x?a=1'],
  ] as const)
    t.match(await get(url), { statusCode: 301, headers: { location } }, url)
  const { body } = await get('/legacy/list/')
  t.match(body, 'Index of /legacy/list/')
  t.match(body, 'href="./x%20y.txt"')
  t.same((await get('/legacy/tells/a/b?c=1')).json(), {
    uri: '/tells/a/b',
    unparsedUri: '/tells/a/b?c=1',
    pathInfo: '/a/b',
    args: 'c=1',
    script: '/legacy/tells',
    requestUri: '/legacy/tells/a/b?c=1',
    constructed: 'http://h.test/legacy/x',
    url: 'http://h.test/legacy/tells/a/b?c=1',
    service: 'http://h.test/legacy/tells/cart',
    ofServer: 'http://h.test/legacy/shop/',
    base: 'http://h.test/legacy/tells/a/',
    page: 'http://h.test/legacy/tells/a/p.html',
  })
  await app.close()
  t.match(logOf(site.top, 'access.log'), '"GET /legacy/a.txt HTTP/1.1" 200', 'logs tell what the client asked for')
})

t.test('what configuration and phases say is seen from the prefix', async t => {
  const app = appOf(t)
  const site = mountable(
    t,
    {
      '.psoaccess': 'DirectoryIndex = /front.html\nErrorDocument = 403 /error/',
      'front.html': 'front',
      'trans.ts': `export const trans = (req: any) => { req.unparsedUri = req.unparsedUri.replace('/moved', '/front.html') }`,
      error: {
        '.psoaccess': 'DirectoryIndex = index.html',
        'handler.ts': does('return req.subprocessEnv.REDIRECT_URL'),
      },
      inside: { '.psoaccess': '', 'handler.ts': does("req.internalRedirect('/front.html')") },
      closed: { '.psoaccess': 'Require = all denied' },
    },
    {},
  )
  plant(site.top, {
    conf: {
      'server.ini': `PSOTransHandler = ${site.root}/trans.ts\n[Location /front.html]\nHeader = set X-Front yes\n[/Location]`,
    },
  })
  await app.register(pso, { ...site, config: join(site.top, 'conf/server.ini'), prefix: '/legacy' })
  for (const url of ['/legacy/', '/legacy/moved', '/legacy/inside/'])
    t.match(await app.inject(url), { body: 'front', headers: { 'x-front': 'yes' } }, url)
  t.match(await app.inject('/legacy/closed/'), { statusCode: 403, body: '/legacy/closed/' })
})

t.test('two prefixes with two roots, and foreign routes beside and inside them', async t => {
  const app = appOf(t)
  app.get('/', () => 'the app')
  app.get('/legacy/api', () => 'the api')
  app.get('/other/:id/thing', () => 'a thing')
  const one = mountable(t, { 'index.html': 'one', c: { '.psoaccess': '', 'handler.ts': counter } })
  const other = mountable(t, { 'index.html': 'other', c: { '.psoaccess': '', 'handler.ts': counter } })
  app.register(pso, { ...one, prefix: '/legacy' })
  app.register(pso, { ...other, prefix: '/other' })
  await app.ready()
  for (const [url, body] of [
    ['/', 'the app'],
    ['/legacy/', 'one'],
    ['/legacy/api', 'the api'],
    ['/other/', 'other'],
    ['/other/7/thing', 'a thing'],
  ] as const)
    t.equal((await app.inject(url)).body, body, url)
  for (const url of ['/legacyx', '/nothing'])
    t.match((await app.inject(url)).json(), { statusCode: 404, message: `Route GET:${url} not found` }, url)

  const jars = { '/legacy/c/': new Jar(), '/other/c/': new Jar() }
  for (let round = 1; round <= 2; round++)
    for (const [url, jar] of Object.entries(jars)) {
      const { headers, body } = await app.inject({ url, headers: jar.headers })
      jar.take(headers)
      t.equal(visit(body), round)
      if (round === 1) t.match(headers['set-cookie'], `; Path=${url.slice(0, -3)};`)
    }
})

t.test('the Path of cookies is where the site is mounted, and what a line says is seen from there', async t => {
  const app = appOf(t)
  const sets = does(
    "req.pso().session.a = 1; req.pso().setCookie('own', '1'); req.pso().setCookie('given', '1', { path: '/x' })",
  )
  const site = mountable(t, {
    a: { '.psoaccess': 'PSOServiceId = a', 'handler.ts': sets },
    b: { '.psoaccess': 'PSOServiceId = b\nPSOCookieSession_Path = /b', 'handler.ts': sets },
    c: { '.psoaccess': 'PSOServiceId = __Host-c', 'handler.ts': sets },
  })
  await app.register(pso, { ...site, prefix: '/legacy' })
  const pathsOf = async (url: string) =>
    [(await app.inject(url)).headers['set-cookie'] ?? []]
      .flat()
      .map(cookie => `${/^[^=]+/.exec(cookie)} ${/Path=([^;]*)/.exec(cookie)?.[1]}`)
      .sort()
  t.same(await pathsOf('/legacy/a/'), ['a /legacy', 'given /x', 'own /legacy'])
  t.same(await pathsOf('/legacy/b/'), ['b /legacy/b', 'given /x', 'own /legacy'])
  t.same(await pathsOf('/legacy/c/'), ['__Host-c /', 'given /x', 'own /legacy'])
})

t.test('nothing of it is seen outside the prefix', async t => {
  const app = appOf(t)
  const before = { decorators: namesOf(app), methods: [...app.supportedMethods] }
  app.post('/echo', request => ({ body: request.body }))
  app.get('/fails', () => {
    throw new Error('the app fails')
  })
  app.setErrorHandler((error, _, reply) => reply.code(500).send({ app: (error as Error).message }))
  app.setNotFoundHandler((_, reply) => reply.code(404).send('the app has no such page'))
  await app.register(pso, { ...mountable(t, { 'a.txt': 'a' }), prefix: '/legacy' })
  await app.ready()
  t.same({ decorators: namesOf(app), methods: [...app.supportedMethods] }, before)
  t.same((await app.inject({ method: 'POST', url: '/echo', payload: { a: 1 } })).json(), { body: { a: 1 } })
  t.equal(
    (await app.inject({ method: 'POST', url: '/echo', payload: '<a/>', headers: { 'content-type': 'text/xml' } }))
      .statusCode,
    500,
    'a type that the app has no parser for stays its own error',
  )
  t.same((await app.inject('/fails')).json(), { app: 'the app fails' })
  t.match(await app.inject('/none'), { statusCode: 404, body: 'the app has no such page' })
  t.match((await app.inject('/legacy/none')).body, /There is no page at this address/)
})

const namesOf = (app: FastifyInstance): string[] => {
  const names: string[] = []
  for (const name in app) names.push(name)
  return names.sort()
}

t.test('an app with hooks, parsers, cookies and a logger of its own', async t => {
  const logged: string[] = []
  const app = appOf(t, { logger: { level: 'info', stream: { write: (line: string) => void logged.push(line) } } })
  const seen: string[] = []
  await app.register(fastifyCookie)
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, `own ${String(body)}`))
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  )
  app.addHook('onRequest', async (request, reply) => {
    seen.push(`onRequest ${request.url}`)
    reply.header('Access-Control-Allow-Origin', '*').header('Vary', 'Origin').type('application/json')
  })
  app.addHook('preHandler', async (request, reply) => {
    if (request.headers.authorization === 'none') await reply.code(401).send('the app says no')
  })
  app.addHook('onResponse', async (request, reply) => void seen.push(`onResponse ${request.url} ${reply.statusCode}`))
  app.post('/own', request => request.body)
  const site = mountable(t, {
    'a.txt': 'a file',
    form: {
      '.psoaccess': '',
      'handler.ts': does(
        "req.pso().setCookie('c', 'd e'); return `${req.pso().getInput('a')} ${req.pso().getCookie('b')}`",
      ),
    },
  })
  await app.register(pso, { ...site, prefix: '/legacy' })
  const answer = await app.inject({
    method: 'POST',
    url: '/legacy/form/',
    payload: 'a=x+y',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: 'b=c%20d' },
  })
  t.match(answer, {
    statusCode: 200,
    body: 'x y c d',
    headers: {
      'set-cookie': 'c=d%20e; Path=/legacy',
      'access-control-allow-origin': '*',
      vary: 'Origin',
      'content-type': 'text/html; charset=utf-8',
    },
  })
  t.match(await app.inject('/legacy/a.txt'), {
    body: 'a file',
    headers: { 'content-type': /^text\/plain/, 'access-control-allow-origin': '*' },
  })
  t.match(await app.inject({ url: '/legacy/a.txt', headers: { authorization: 'none' } }), {
    statusCode: 401,
    body: 'the app says no',
  })
  t.equal(
    (await app.inject({ method: 'POST', url: '/own', payload: 'x', headers: { 'content-type': 'a/b' } })).body,
    'own x',
  )
  t.match(seen, ['onRequest /legacy/form/', 'onResponse /legacy/form/ 200', 'onRequest /legacy/a.txt'])
  t.match(logged.join(''), /"url":"\/legacy\/form\/".*request completed/s)
})

t.test('a body that a hook of the app has put another stream in place of is an error, not a wait for ever', async t => {
  const app = appOf(t)
  app.addHook('preParsing', async (_request, _reply, payload) =>
    payload.pipe(new (await import('node:stream')).PassThrough()),
  )
  await app.register(pso, {
    ...mountable(t, { form: { '.psoaccess': '', 'handler.ts': says('x') } }),
    prefix: '/legacy',
  })
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/legacy/form/', payload: { a: 1 } })
  t.equal(statusCode, 500)
  t.match(body, /preParsing hook/)
})

t.test('a preflight that the app answers, and a route of the app in the same place, stay its own', async t => {
  const app = appOf(t)
  app.options('*', (_, reply) => reply.header('x-by', 'the app').send())
  app.get('/*', () => 'the app')
  const site = mountable(t, { 'a.txt': 'a', form: { '.psoaccess': '', 'handler.ts': says('posted') } })
  await app.register(pso, site)
  t.equal((await app.inject({ method: 'OPTIONS', url: '/a.txt' })).headers['x-by'], 'the app')
  t.equal((await app.inject('/a.txt')).body, 'the app')
  t.equal((await app.inject({ method: 'POST', url: '/form/' })).body, 'posted')
})

t.test('without a prefix the site is what no route of the app answers', async t => {
  const app = appOf(t)
  app.get('/api', () => 'the api')
  await app.register(pso, mountable(t, { 'index.html': 'front', s: { '.psoaccess': '', 'handler.ts': counter } }))
  t.equal((await app.inject('/')).body, 'front')
  t.equal((await app.inject('/api')).body, 'the api')
  const { headers, body } = await app.inject('/s/')
  t.match(headers['set-cookie'], '; Path=/;')
  t.equal(visit(body), 1)
})

t.test('a router that forgives slashes and letter case, a URL that is rewritten, a proxy that is trusted', async t => {
  const app = appOf(t, {
    trustProxy: true,
    rewriteUrl: request => (request.url ?? '').replace(/^\/rewritten/, '/legacy/tells'),
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false },
  })
  const site = mountable(t, { 'index.html': 'front', tells: { '.psoaccess': '', 'handler.ts': tells } })
  await app.register(pso, { ...site, prefix: '/legacy' })
  for (const url of ['/legacy/', '/LEGACY/', '//legacy//', '/%6cegacy/'])
    t.equal((await app.inject(url)).body, 'front', url)
  t.match(await app.inject('/legacy'), { statusCode: 301, headers: { location: '/legacy/' } })
  const proxied = { 'x-forwarded-host': 'www.test', 'x-forwarded-proto': 'https' }
  t.match((await app.inject({ url: '/rewritten/x?a', headers: proxied })).json(), {
    uri: '/tells/x',
    args: 'a',
    requestUri: '/rewritten/x?a',
    base: 'https://www.test/legacy/tells/',
  })
})

t.test('what the router matched is below the prefix, however it is written', async t => {
  for (const [url, prefix, below] of [
    ['/a/b', '', '/a/b'],
    ['/legacy', '/legacy', ''],
    ['/legacy?q', '/legacy', '?q'],
    ['/legacy/', '/legacy', '/'],
    ['/legacy//x', '/legacy', '//x'],
    ['/Legacy/x', '/legacy', '/x'],
    ['/l%65gacy/x', '/legacy', '/x'],
    ['//legacy/x', '/legacy', '/x'],
    ['/a//b/x?/c', '/a/b', '/x?/c'],
    ['/b%C3%A4r/x', '/bär', '/x'],
    ['http://h.test/legacy/x', '/legacy', '/x'],
    ['http://h.test', '', ''],
  ] as const)
    t.equal(belowPrefix(url, prefix), below, url)
})

t.test('on a socket: a body that streams, a client that goes away, a path that climbs', async t => {
  const app = appOf(t)
  const site = mountable(t, {
    'secret.txt': 'secret',
    slow: {
      '.psoaccess': '',
      'handler.ts': does(`req.write('begun'); await req.flush()
await new Promise(resolve => req.signal.addEventListener('abort', resolve))
req.logError('it has noticed')`),
    },
    lines: { '.psoaccess': '', 'handler.ts': `export async function* handler () { yield 'a\\n'; yield 'b\\n' }` },
  })
  await app.register(pso, { ...site, prefix: '/legacy' })
  const address = await app.listen({ port: 0 })
  t.equal(await (await fetch(`${address}/legacy/lines/`)).text(), 'a\nb\n')

  const aborter = new AbortController()
  const { body } = await fetch(`${address}/legacy/slow/`, { signal: aborter.signal })
  await body!.getReader().read()
  aborter.abort()

  t.match(await wire(address, '/legacy/../secret.txt'), /^HTTP\/1.1 400 /)
  t.match(await wire(address, '/legacy/%2e%2e/%2e%2e/secret.txt'), /^HTTP\/1.1 400 /)
  t.match(await wire(address, '/x/../legacy/secret.txt'), /^HTTP\/1.1 404 /, 'the app knows no such route')
  t.match(await wire(address, 'http://h.test/legacy/secret.txt'), /\r\n\r\nsecret$/)
  await app.close()
  t.match(logOf(site.top, 'error.log'), 'it has noticed', 'the end of the app has waited for it')
})

t.test('a handler sees the classes of the program that serves it', async t => {
  const app = appOf(t)
  const site = mountable(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'return { same: globalThis.ServerReturnOfTheApp === ServerReturn, has: typeof p.createServer + typeof p.default }',
    ),
  })
  Object.assign(globalThis, { ServerReturnOfTheApp: ServerReturn })
  await app.register(pso, site)
  t.same((await app.inject('/')).json(), { same: true, has: 'functionfunction' })
})

t.test('the end of one site leaves the other of its process alone, and its logs are closed', async t => {
  const shared = { PSOSessionFileLoader_Path: join(freshDirectory(t), 'sessions') }
  const first = mountable(t, { c: { '.psoaccess': '', 'handler.ts': counter } }, shared)
  const second = mountable(t, { c: { '.psoaccess': '', 'handler.ts': counter } }, shared)
  const [one, other] = [Fastify(), appOf(t)]
  await one.register(pso, { ...first, development: true })
  await other.register(pso, second)
  const jar = new Jar()
  const count = async (app: FastifyInstance) => {
    const { headers, body } = await app.inject({ url: '/c/', headers: jar.headers })
    jar.take(headers)
    return visit(body)
  }
  t.equal(await count(one), 1)
  t.equal(await count(other), 2, 'the same directory of sessions')
  await one.close()
  t.equal(await count(other), 3)
  t.equal(await count(other), 4)
  t.same(openBelow(join(first.top, '.pso')), [], 'nothing of the closed one is open')
})

t.test('what cannot be served keeps the app from starting, and says why', async t => {
  const site = mountable(t, {})
  for (const [options, message] of [
    [{ ...site, root: join(site.top, 'none') }, /DocumentRoot: expected a directory/],
    [{ ...site, config: join(site.top, 'none.ini') }, /none\.ini: there is no such file/],
    [{ ...site, directives: { Options: 'Indexs' } }, /\(options\):\d+: Options: expected .* got "Indexs"/],
    [{ ...site, directives: { ServerName: 'a\nListen = 1' } }, /expected one line for the directive ServerName/],
    ...['/:tenant', '/a/*', '/é', '/a b', '/a%20b', '/a;b', '//host'].map(prefix => [
      { ...site, prefix },
      /expected a prefix of plain names without parameters/,
    ]),
  ] as [PluginOptions, RegExp][])
    await t.rejects(async () => Fastify().register(pso, options), { message }, String(message))
})

t.test('a TrustProxy that has no effect is told', async t => {
  const app = appOf(t)
  const site = mountable(t, {}, { TrustProxy: '127.0.0.1' })
  await app.register(pso, site)
  t.match(logOf(site.top, 'error.log'), /TrustProxy has no effect in an app/)
})
