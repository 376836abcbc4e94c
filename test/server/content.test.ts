import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { plant, site } from '../support/site.ts'
import { dial, exchange, fields, head, wire } from '../support/wire.ts'

t.test('DESIGN 4: what answers a URL', async t => {
  const app = await site(t, {
    'index.html': 'front',
    'a.txt': 'a',
    plain: { 'b.txt': 'b' },
    listed: { '.psoaccess': 'Options = +Indexes', 'c <b>.txt': 'c', '.hidden': 'h', 'x.bak': 'old', 'handler.cjs': '' },
    indexed: { '.psoaccess': 'DirectoryIndex = none.html start.txt', 'start.txt': 'start' },
    handled: {
      '.psoaccess': '',
      'handler.ts': does('return `handler ${req.pathInfo}`'),
      'file.txt': 'file',
      'other.ts': 'export const secret = 1',
      sub: { 'd.txt': 'd', listed: { '.psoaccess': 'Options = +Indexes' } },
    },
    program: {
      '.psoaccess': 'SetHandler = pso-program',
      'handler.ts': does('return `program ${req.pathInfo}`'),
      'file.txt': 'file',
    },
    byExtension: {
      '.psoaccess': 'AddHandler = pso-program .ts\nPSOHandler = handler',
      'handler.ts': does('return `by extension ${req.pathInfo}|${req.filename.split("/").pop()}`'),
      'any.ts': '',
      'file.txt': 'file',
    },
    pages: {
      '.psoaccess': 'PSOHandler = page.ts | .html\nPSOHandler = rest.ts',
      'page.ts': says('page'),
      'rest.ts': says('rest'),
      'x.html': 'x',
      'x.txt': 'text',
    },
    fallback: { '.psoaccess': 'FallbackResource = /fallback/front.html', 'front.html': 'fallback' },
    video: {
      '.psoaccess': '[Files *.ts]\nSetHandler = default-handler\n',
      'film.ts': 'mpeg',
      'handler.ts': 'export const handler = () => "h"\n',
    },
    emptied: { '.psoaccess': '', 'handler.ts': says('parent'), child: { '.psoaccess': 'PSOHandler = none' } },
    '.well-known': { 'security.txt': 'contact' },
  })
  const cases: [string, number, string | RegExp | undefined][] = [
    ['/', 200, 'front'],
    ['/a.txt', 200, 'a'],
    ['/a.txt/more', 404, undefined],
    ['/plain', 301, undefined],
    ['/plain/', 403, undefined],
    ['/none', 404, undefined],
    ['/plain/none', 404, undefined],
    ['/listed/', 200, /c &#60;b&#62;\.txt/],
    ['/indexed/', 200, 'start'],
    ['/handled/', 200, 'handler '],
    ['/handled', 301, undefined],
    ['/handled/x/y', 200, 'handler /x/y'],
    ['/handled/file.txt', 200, 'file'],
    ['/handled/file.txt/x', 404, undefined],
    ['/handled/handler.ts', 200, 'handler /handler.ts'],
    ['/handled/other.ts', 200, 'handler /other.ts'],
    ['/handled/.psoaccess', 200, 'handler /.psoaccess'],
    ['/handled/sub/d.txt', 200, 'd'],
    ['/handled/sub/', 200, 'handler /sub/'],
    ['/handled/sub/listed/', 200, /<h1>/],
    ['/program/file.txt', 200, 'program '],
    ['/program/x', 200, 'program /x'],
    ['/byExtension/any.ts', 200, 'by extension |any.ts'],
    ['/byExtension/any.ts/info', 200, 'by extension /info|any.ts'],
    ['/byExtension/file.txt', 200, 'file'],
    ['/pages/x.html', 200, 'page'],
    ['/pages/none.html', 200, 'page'],
    ['/pages/x.txt', 200, 'text'],
    ['/pages/none.txt', 200, 'rest'],
    ['/fallback/any/thing', 200, 'fallback'],
    ['/video/film.ts', 200, 'mpeg'],
    ['/video/handler.ts', 200, 'h'],
    ['/emptied/child/', 403, undefined],
    ['/emptied/child/x', 404, undefined],
    ['/.well-known/security.txt', 200, 'contact'],
    ['/%zz', 400, undefined],
    ['/../x', 400, undefined],
    ['/a%2Fb', 404, undefined],
    ['/a%00', 404, undefined],
  ]
  const { request } = await import('node:http')
  const { port } = new URL(await app.url())
  for (const [path, status, body] of cases) {
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) =>
      request({ host: '127.0.0.1', port, path }, response => {
        let text = ''
        response.on('data', chunk => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode!, body: text }))
      })
        .on('error', reject)
        .end(),
    )
    t.equal(answer.status, status, `${path}: ${answer.body.slice(0, 60)}`)
    if (typeof body === 'string') t.equal(answer.body, body, path)
    else if (body !== undefined) t.match(answer.body, body, path)
  }
  const listing = (await app.inject('/listed/')).body
  t.notMatch(listing, /hidden|x\.bak|handler|psoaccess/)
})

t.test('denied comes before missing, and holds below', async t => {
  const app = await site(t, {
    secret: {
      '.psoaccess': 'Require = all denied',
      'a.txt': 'a',
      open: { '.psoaccess': 'Require = all granted', 'b.txt': 'b' },
    },
  })
  for (const url of ['/secret/', '/secret/a.txt', '/secret/none']) t.equal((await app.inject(url)).statusCode, 403, url)
  t.equal((await app.inject('/secret/open/b.txt')).body, 'b')
})

t.test(
  'a file that answers after a phase or a declining handler is the file alone, with one field of a name',
  async t => {
    const app = await site(t, {
      '.psoaccess':
        'PSOHandler = decline.ts | .html\nPSOTypeHandler = type.ts::type\nPSOFixupHandler = type.ts::fixup\n',
      'decline.ts': does(
        "req.write('not mine'); req.headersOut.set('ETag', '\"mine\"'); req.headersOut.set('Content-Length', '3'); return DECLINED",
      ),
      'type.ts': `export const type = (req: any) => { if (req.args !== 'own') req.contentType = 'text/x-own' }
export const fixup = (req: any) => { req.write('early'); req.headersOut.set('Vary', 'Cookie'); if (req.args === 'own') req.headersOut.set('Content-Type', 'text/x-head') }
`,
      'p.html': 'page',
      'large.html': 'x'.repeat(100_000),
      'q.txt': 'text',
      head: { '.psoaccess': 'Header = set X-Set yes', 'h.txt': 'headed' },
    })
    const base = await app.url()
    for (const [path, body] of [
      ['/p.html', 'page'],
      ['/large.html', 'x'.repeat(100_000)],
      ['/q.txt', 'text'],
      ['/head/h.txt', 'headed'],
    ] as const) {
      const answer = await fetch(base + path)
      t.equal(await answer.text(), body, path)
      t.equal(answer.headers.get('content-length'), String(body.length), path)
      t.equal(answer.headers.get('content-type'), 'text/x-own', path)
      t.equal(answer.headers.get('vary'), 'Cookie', path)
      t.not(answer.headers.get('etag'), '"mine"', path)
      t.notMatch(answer.headers.get('etag'), ',', path)
      const own = await fetch(`${base}${path}?own`)
      t.equal(own.headers.get('content-type'), 'text/x-head', path)
      t.equal(await own.text(), body, path)
    }
  },
)

t.test('a handler that declines a file with a path behind it: the path is nowhere', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOHandler = decline.ts | .html',
    'decline.ts': does('return DECLINED'),
    'p.html': 'page',
    on: { '.psoaccess': 'AcceptPathInfo = on', 'p.html': 'page on' },
  })
  t.equal((await app.inject('/p.html')).body, 'page')
  t.equal((await app.inject('/p.html/more')).statusCode, 404)
  t.equal((await app.inject('/on/p.html/more')).body, 'page on')
})

t.test('an index that is a link to itself is refused as any such link is', async t => {
  const app = await site(t, { a: {} })
  symlinkSync('index.html', join(app.root, 'a', 'index.html'))
  t.equal((await app.inject('/a/')).statusCode, 403)
})

t.test('links: inside the root they are followed, out of it only by Options', async t => {
  const app = await site(t, {
    a: { 'x.txt': 'x' },
    no: {},
    yes: { '.psoaccess': 'Options = FollowSymLinks' },
    owner: { '.psoaccess': 'Options = SymLinksIfOwnerMatch' },
  })
  const outside = mkdtempSync(join(tmpdir(), 'pso-outside-'))
  t.teardown(() => rmSync(outside, { recursive: true }))
  plant(outside, { 'out.txt': 'outside', d: { 'deep.txt': 'deep' } })
  mkdirSync(join(app.root, 'links'))
  symlinkSync(join(app.root, 'a'), join(app.root, 'links', 'in'))
  for (const place of ['no', 'yes', 'owner']) {
    symlinkSync(join(outside, 'out.txt'), join(app.root, place, 'out.txt'))
    symlinkSync(join(outside, 'd'), join(app.root, place, 'd'))
  }
  t.equal((await app.inject('/links/in/x.txt')).body, 'x')
  for (const [url, status] of [
    ['/no/out.txt', 403],
    ['/no/d/deep.txt', 403],
    ['/yes/out.txt', 200],
    ['/yes/d/deep.txt', 200],
    ['/owner/out.txt', 200],
  ] as const)
    t.equal((await app.inject(url)).statusCode, status, url)
})

t.test('Redirect: the nearest first, the rest of the path behind it', async t => {
  const app = await site(t, {
    '.psoaccess': 'Redirect = /old http://h.test/new\nRedirect = permanent /for-ever /x\nRedirect = gone /away',
    'a.txt': 'a',
  })
  const answer = await app.inject('/old/page?q=1')
  t.same([answer.statusCode, answer.headers.location], [302, 'http://h.test/new/page?q=1'])
  const permanent = await app.inject('/for-ever')
  t.same([permanent.statusCode, permanent.headers.location], [301, '/x'])
  t.equal((await app.inject('/away')).statusCode, 410)
  t.equal((await app.inject('/older')).statusCode, 404, 'whole components only')
})

t.test('Redirect to a path stays on this server, and its target is a header that can be sent', async t => {
  const app = await site(t, {
    '.psoaccess': 'Redirect = /old /\nRedirect = /other /\u00fcber\u2192\nRedirect = /far http://h.test/',
  })
  for (const [url, to] of [
    ['/old/evil.test/x', '/evil.test/x'],
    ['/old//evil.test', '/evil.test'],
    ['/old/%2e%2e/old/evil.test/', '/evil.test/'],
    ['/old', '/'],
    ['/other/a', '/%C3%BCber%E2%86%92/a'],
    ['/far/a%20b', 'http://h.test//a%20b'],
  ] as const)
    t.equal((await app.inject(url)).headers.location, to, url)
})

t.test('error documents: text, a file, a handler, another server; the status stays', async t => {
  const app = await site(t, {
    '.psoaccess': 'ErrorDocument = 404 "nothing <here>"',
    file: { '.psoaccess': 'ErrorDocument = 404 /file/missing.html', 'missing.html': "a page of one's own" },
    handler: {
      '.psoaccess': 'ErrorDocument = 500 /shows/',
      'handler.ts': 'export const handler = () => { throw new Error("x") }\n',
    },
    shows: {
      '.psoaccess': '',
      'handler.ts': does(
        'return `${req.subprocessEnv.REDIRECT_STATUS} ${req.subprocessEnv.REDIRECT_URL} ${req.method}`',
      ),
    },
    away: { '.psoaccess': 'ErrorDocument = 404 http://h.test/' },
    loop: { '.psoaccess': 'ErrorDocument = 404 /loop/none' },
    built: { '.psoaccess': 'ErrorDocument = 404 default' },
  })
  t.same(await both(app, '/none'), [404, 'nothing <here>'])
  t.same(await both(app, '/file/none'), [404, "a page of one's own"])
  t.same(await both(app, '/handler/'), [500, '500 /handler/ GET'])
  t.equal((await app.inject('/away/none')).statusCode, 302)
  t.equal((await app.inject('/loop/none')).statusCode, 404)
  t.match((await app.inject('/built/none')).body, /404 Not Found/)
})

const both = async (app: Awaited<ReturnType<typeof site>>, url: string): Promise<[number, string]> => {
  const { statusCode, body } = await app.inject(url)
  return [statusCode, body]
}

t.test('Header lines: always, on success, unset, and a value of the environment', async t => {
  const app = await site(t, {
    '.psoaccess':
      'Header = set X-Ok yes\nHeader = always set X-Always yes\nHeader = append X-Ok more\nSetEnv = COLOUR blue\nHeader = set X-Env "%{COLOUR}e 100%%"\nHeader = unset ETag',
    'a.txt': 'a',
  })
  const ok = await app.inject('/a.txt')
  t.match(ok.headers, { 'x-ok': 'yes, more', 'x-always': 'yes', 'x-env': 'blue 100%' })
  t.equal(ok.headers.etag, undefined)
  const missing = await app.inject('/none')
  t.match(missing.headers, { 'x-ok': undefined, 'x-always': 'yes' })
})

t.test(
  'a mistake closes its own tree with 500, with file:line in the log, and on the page only in development',
  async t => {
    const tree = {
      bad: { '.psoaccess': '\n\nPSOSesionExpire = 5\n', 'a.txt': 'a', below: { 'b.txt': 'b' } },
      good: { 'c.txt': 'c' },
    }
    const app = await site(t, tree)
    for (const url of ['/bad/a.txt', '/bad/below/b.txt', '/bad/none'])
      t.equal((await app.inject(url)).statusCode, 500, url)
    t.match(
      app.errorLog(),
      /bad\/\.psoaccess:3: PSOSesionExpire: unknown directive \(did you mean PSOSessionExpire\?\)/,
    )
    t.notMatch((await app.inject('/bad/a.txt')).body, /psoaccess|PSO/)
    t.equal((await app.inject('/good/c.txt')).body, 'c')
    const development = await site(t, tree, { development: true })
    t.match((await development.inject('/bad/a.txt')).body, /bad\/\.psoaccess:3: PSOSesionExpire/)
    t.notMatch((await development.inject({ url: '/bad/a.txt', remoteAddress: '203.0.113.9' })).body, /psoaccess/)
  },
)

t.test(
  'AllowOverride: without Handlers no module is loaded and handler.ts is inert; with None the file is not read',
  async t => {
    const tree = {
      a: { '.psoaccess': '', 'handler.ts': says('ran') },
      b: { '.psoaccess': 'PSOHandler = handler.ts', 'handler.ts': says('ran') },
      c: { '.psoaccess': 'Nonsense', 'x.txt': 'x' },
    }
    const noHandlers = await site(t, tree, { ini: 'AllowOverride = AuthConfig FileInfo Indexes Limit Options Session' })
    t.equal((await noHandlers.inject('/a/')).statusCode, 403)
    t.equal((await noHandlers.inject('/b/')).statusCode, 500)
    t.match(noHandlers.errorLog(), /b\/\.psoaccess:1: PSOHandler: /)
    const none = await site(t, tree, { ini: 'AllowOverride = None' })
    t.equal((await none.inject('/a/')).statusCode, 403)
    t.equal((await none.inject('/c/x.txt')).body, 'x')
  },
)

t.test('names that are not ASCII in documents, indexes, fallbacks and their redirects', async t => {
  const app = await site(t, {
    '\u00fc.html': 'umlaut',
    a: { '.psoaccess': 'ErrorDocument = 404 /\u00fc.html' },
    b: { '.psoaccess': 'ErrorDocument = 404 http://h.test/\u00fc' },
    c: { '.psoaccess': 'DirectoryIndex = \u00fc.txt /\u00fc.html' },
    d: { '.psoaccess': 'FallbackResource = /\u00fc.html' },
    e: { '.psoaccess': 'DirectoryIndex = \u00fc.txt', '\u00fc.txt': 'own' },
  })
  t.equal((await app.inject('/a/none')).body, 'umlaut')
  t.equal((await app.inject('/b/none')).headers.location, 'http://h.test/%C3%BC')
  t.equal((await app.inject('/c/')).body, 'umlaut')
  t.equal((await app.inject('/d/none')).body, 'umlaut')
  t.equal((await app.inject('/e/')).body, 'own')
})

t.test('the documents of requests that are too large or no requests', async t => {
  const documents = [400, 413, 414].map(status => `ErrorDocument = ${status} /sorry.html\n`).join('')
  const app = await site(t, { 'sorry.html': 'sorry', 'a.txt': 'a' }, { ini: `LimitRequestBody = 10\n${documents}` })
  const base = await app.url()
  for (const [path, body, status] of [
    ['/a.txt', 'x'.repeat(20), 413],
    [`/?${'x'.repeat(9000)}`, undefined, 414],
    ['/%zz', undefined, 400],
  ] as const) {
    const answer = await fetch(base + path, body === undefined ? {} : { method: 'POST', body })
    t.same([answer.status, await answer.text()], [status, 'sorry'])
  }
})

t.test('Header lines hold for 304 too: a cache renews its fields by it', async t => {
  const app = await site(t, { '.psoaccess': 'Header = set Cache-Control max-age=60', 'a.txt': 'a' })
  const { etag } = (await app.inject('/a.txt')).headers
  const again = await app.inject({ url: '/a.txt', headers: { 'if-none-match': etag as string } })
  t.equal(again.statusCode, 304)
  t.equal(again.headers['cache-control'], 'max-age=60')
  t.equal(again.headers.etag, etag)
  t.equal((await app.inject('/none')).headers['cache-control'], undefined)
})

t.test('limits: the request line, the number of fields, TRACE', async t => {
  const app = await site(t, { 'a.txt': 'a' }, { ini: 'LimitRequestLine = 100\nLimitRequestFields = 10' })
  t.equal((await app.inject(`/${'a'.repeat(100)}`)).statusCode, 414)
  t.equal(
    (
      await app.inject({
        url: '/a.txt',
        headers: Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`x-${n}`, '1'])),
      })
    ).statusCode,
    400,
  )
  t.equal((await app.inject({ method: 'TRACE' as 'GET', url: '/a.txt' })).statusCode, 405)
})

t.test('CONNECT is 405 on each address, with its lines, and its connection ends', async t => {
  const waits = { '.psoaccess': '', 'handler.ts': does('await new Promise(setImmediate); return "waited"') }
  const app = await site(t, { 'a.txt': 'a', waits }, { ini: 'Listen = 127.0.0.1:0' })
  for (const url of await app.listen()) {
    const answer = await exchange(url, `${head('CONNECT other:443')}tunnelled`)
    t.match(answer, /^HTTP\/1\.1 405 .*<h1>405 Method Not Allowed<\/h1>.*<\/html>\s*$/s)
    t.same([fields(answer, 'Allow'), fields(answer, 'Connection')], [['GET, HEAD, POST, OPTIONS'], ['close']])
    const gone = dial(url, head('CONNECT other:443'))
    await new Promise(resolve => gone.once('connect', () => resolve(gone.resetAndDestroy())))
    await exchange(url, `${head('GET /waits/')}${head('CONNECT other:443')}`)
    t.match(await wire(url, '/a.txt'), /200 OK/, 'and it goes on')
  }
  await app.close()
  const accesses = readFileSync(join(app.stateDirectory, 'access.log'), 'utf8')
  t.ok(accesses.match(/"CONNECT other:443 HTTP\/1.1" 405 /g)!.length >= 2)
  t.match(app.errorLog(), /CONNECT other:443 405: CONNECT is off$/m)
})

t.test('a reload takes the new server.ini; requests under way keep theirs', async t => {
  const app = await site(t, { 'a.txt': 'a' })
  const { readServerConfig } = await import('../../directives/index.ts')
  t.equal((await app.inject('/a.txt')).headers['x-new'], undefined)
  const ini = join(app.root, '..', 'conf', 'server.ini')
  writeFileSync(ini, 'Listen = 127.0.0.1:0\nErrorLog = error.log\nHeader = set X-New yes\n')
  app.reload(readServerConfig({ file: ini, environment: {}, cwd: app.root }))
  t.equal((await app.inject('/a.txt')).headers['x-new'], 'yes')
})
