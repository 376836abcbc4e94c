import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { multipartPost } from '../support/multipart.ts'
import { marks, seenAtEnd } from '../support/seen.ts'
import { site } from '../support/site.ts'
import { until } from '../support/until.ts'
import { uploadsIn } from '../support/uploads.ts'

/** What a handler can tell of the request and of those before it. */
const tells = `const of = (req: any): any => req === undefined ? null : {
  uri: req.uri, url: req.unparsedUri, args: req.args, method: req.method, file: req.filename.split('/').slice(-2).join('/'),
  pathInfo: req.pathInfo, header: req.headersIn.get('x-a'), note: req.notes.from, option: req.options.of, script: req.subprocessEnv.SCRIPT_NAME,
  isHandled: req.hasHandler, prev: of(req.prev),
}
export const handler = (req: any) => of(req)
`

t.test('internalRedirect: another URL answers, with its own phases; a circle is a 500', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts\nPSOServiceId = s',
    'log.ts': `export const log = (req: any) => { ${marks('req.status')} }\n`,
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
    t.same(await seenAtEnd(), [status], 'one log')
  }
})

t.test('internalRedirect: req.prev is the request as it was, with its own notes and variables', async t => {
  const app = await site(t, {
    from: {
      '.psoaccess': 'PSOOption = of from',
      'handler.ts': does(
        'req.notes.from = "first"; (globalThis as any).held = req; req.registerCleanup(() => (globalThis as any).atEnd = [req.uri, req.prev]); req.internalRedirect("/to/x y/é?b=2")',
      ),
    },
    to: { '.psoaccess': 'PSOOption = of to', 'handler.ts': tells },
  })
  const answer = await app.inject({ url: '/from/p?a=1', method: 'POST', headers: { 'x-a': 'sent' } })
  const first = {
    uri: '/from/p',
    url: '/from/p?a=1',
    args: 'a=1',
    method: 'POST',
    pathInfo: '/p',
    header: 'sent',
    note: 'first',
    option: 'from',
    script: '/from',
    isHandled: true,
    prev: null,
  }
  t.match(answer.json(), {
    uri: '/to/x y/é',
    url: '/to/x%20y/%C3%A9?b=2',
    args: 'b=2',
    method: 'POST',
    pathInfo: '/x y/é',
    header: 'sent',
    option: 'to',
    script: '/to',
    prev: first,
  })
  t.equal(answer.json().note, undefined)
  await seenAtEnd()
  t.same((globalThis as any).atEnd, ['/from/p', undefined], 'who held the first request still has it')
})

t.test('the document of an error has req.prev, also where no function had seen what was asked for', async t => {
  const app = await site(t, {
    '.psoaccess': 'ErrorDocument = 404 /shows/?own=1',
    shows: { '.psoaccess': '', 'handler.ts': tells },
  })
  const answer = await app.inject({ url: '/none/at/all?q=1', method: 'PUT' })
  t.equal(answer.statusCode, 404)
  t.match(answer.json(), {
    uri: '/shows/',
    args: 'own=1',
    method: 'GET',
    prev: { uri: '/none/at/all', args: 'q=1', method: 'PUT', isHandled: false, prev: null },
  })
})

t.test('REDIRECT_ variables: those that were set, under their new names, and what the URL was', async t => {
  const names =
    'Object.fromEntries(Object.entries(req.subprocessEnv).filter(([name]) => /REDIRECT|MINE|SET|OWN/.test(name)).sort())'
  const app = await site(t, {
    from: {
      '.psoaccess': 'SetEnv = SET from\nSetEnv = BOTH_SET from',
      'handler.ts': does(
        'req.pso().setEnviron("MINE", 7); if (req.args === "fail") throw new Error("told"); if (req.args === "status") req.status = 203; req.internalRedirect("/to/")',
      ),
    },
    to: { '.psoaccess': 'SetEnv = BOTH_SET to', 'handler.ts': does(`return ${names}`) },
    again: { '.psoaccess': 'SetEnv = OWN x', 'handler.ts': does('req.internalRedirect("/from/?twice")') },
    document: {
      '.psoaccess': 'ErrorDocument = 500 /to/\nSetEnv = SET doc',
      'handler.ts': does('req.pso().setEnviron("MINE", "m"); throw new Error("told")'),
    },
  })
  const set = {
    BOTH_SET: 'to',
    REDIRECT_BOTH_SET: 'from',
    REDIRECT_MINE: '7',
    REDIRECT_SET: 'from',
    REDIRECT_URL: '/from/',
  }
  t.same((await app.inject('/from/')).json(), { ...set, REDIRECT_STATUS: '200' })
  t.same((await app.inject('/from/?status')).json(), {
    ...set,
    REDIRECT_STATUS: '203',
    REDIRECT_QUERY_STRING: 'status',
  })
  t.same((await app.inject('/again/')).json(), {
    ...set,
    REDIRECT_STATUS: '200',
    REDIRECT_QUERY_STRING: 'twice',
    REDIRECT_REDIRECT_OWN: 'x',
    REDIRECT_REDIRECT_STATUS: '200',
    REDIRECT_REDIRECT_URL: '/again/',
  })
  const document = {
    BOTH_SET: 'to',
    REDIRECT_MINE: 'm',
    REDIRECT_REQUEST_METHOD: 'DELETE',
    REDIRECT_SET: 'doc',
    REDIRECT_STATUS: '500',
    REDIRECT_URL: '/document/x',
    REDIRECT_QUERY_STRING: 'q',
  }
  const failed = await app.inject({ url: '/document/x?q', method: 'DELETE' })
  t.same([failed.statusCode, failed.json()], [500, document], 'in production nothing is told of the error')
})

t.test('REDIRECT_ERROR_NOTES tells a client on this machine in development what the page would have told', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'ErrorDocument = 500 /shows/\nErrorDocument = 404 /shows/',
      'handler.ts': does('if (req.args) return 404; throw new Error("told")'),
      shows: { '.psoaccess': '', 'handler.ts': does('return String(req.subprocessEnv.REDIRECT_ERROR_NOTES)') },
    },
    { development: true },
  )
  t.match((await app.inject('/')).body, /told.*handler\.ts:4/)
  t.equal((await app.inject({ url: '/', remoteAddress: '192.0.2.1' })).body, 'undefined')
  t.equal((await app.inject('/?404')).body, 'undefined')
})

t.test(
  'what a redirect inside carries on: the session of fixup, cookies, what was written; not status and type',
  async t => {
    const app = await site(t, {
      '.psoaccess': `PSOServiceId = s\nPSOFixupHandler = f.ts\nPSOLogHandler = f.ts`,
      'f.ts': `import { pso } from 'pso'
export const fixup = (req: any) => { ${marks('`fixup ${req.uri}`')}; return pso.fixup(req) }
export const log = (req: any) => { ${marks('`log ${req.uri} ${req.status} ${req.notes.here} ${req.method}`')} }
`,
      from: {
        '.psoaccess': '',
        'handler.ts': does(
          `req.notes.here = 1; req.pso().session.n = 1; req.pso().setCookie('c', 'v'); req.write('kept '); req.contentType = 'text/plain'; req.status = 404
        req.registerCleanup(() => ${marks("'first'")}); req.internalRedirect(req.args)`,
        ),
      },
      to: {
        '.psoaccess': '',
        'handler.ts': does(`req.registerCleanup(() => ${marks("'second'")}); return String(req.pso().session.n)`),
      },
      'a.txt': 'file',
    })
    const answer = await app.inject('/from/?/to/')
    t.same(
      [answer.statusCode, answer.body, answer.headers['content-type']],
      [200, 'kept 1', 'text/html; charset=utf-8'],
    )
    t.equal([answer.headers['set-cookie']].flat().length, 2)
    t.same(await seenAtEnd(), ['fixup /from/', 'log /from/ 200 1 GET', 'second', 'first'])
    t.equal((await app.inject('/from/?/a.txt')).body, 'file')
    await seenAtEnd()
  },
)

t.test('after a document answered in its place, the log is about the request as it was sent', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOLogHandler = log.ts\nErrorDocument = 403 /no/',
    'log.ts': `export const log = (req: any) => { ${marks('[req.uri, req.method, req.status, req.args, req.prev]')} }\n`,
    no: { '.psoaccess': '', 'handler.ts': says('no') },
    closed: { '.psoaccess': 'Require = all denied' },
  })
  t.equal((await app.inject({ url: '/closed/?q', method: 'POST' })).body, 'no')
  t.same(await seenAtEnd(), [['/closed/', 'POST', 403, 'q', undefined]])
})

t.test('redirects inside end after ten rounds, also those of a document', async t => {
  const app = await site(t, {
    count: {
      '.psoaccess': '',
      'handler.ts': does(
        'const left = Number(req.args); if (left > 0) req.internalRedirect(`/count/?${left - 1}`); return "there"',
      ),
    },
    document: { '.psoaccess': 'ErrorDocument = 404 /circle/', 'handler.ts': does('return 404') },
    circle: { '.psoaccess': '', 'handler.ts': does('req.internalRedirect("/circle/")') },
  })
  t.equal((await app.inject('/count/?10')).body, 'there')
  t.equal((await app.inject('/count/?11')).statusCode, 500)
  t.match(app.errorLog(), /internalRedirect leads to itself: \/count\/\?0/)
  t.equal((await app.inject('/document/')).statusCode, 404)
})

t.test('the input of another pass: the query of its URL, and the form where it still answers a POST', async t => {
  const app = await site(t, {
    '.psoaccess': 'ErrorDocument = 404 /to/?b=2',
    from: {
      '.psoaccess': '',
      'handler.ts': does(
        'req.pso().getInput("a"); if (req.args.endsWith("404")) return 404; req.internalRedirect("/to/?b=2")',
      ),
    },
    late: {
      '.psoaccess': 'PSOAccessHandler = access.ts',
      'access.ts':
        'export const access = (req: any) => { req.pso().getInput("a"); req.internalRedirect("/to/?b=2") }\n',
    },
    to: {
      '.psoaccess': '',
      'handler.ts': does('const p = req.pso(); return [...p.getInputSeq(), p.getFile("up")?.size]'),
    },
  })
  const query = ['b', '2']
  t.same((await app.inject('/from/?a=1')).json(), [query, null])
  const form = multipartPost([
    { name: 'c', content: '3' },
    { name: 'up', filename: 'a', content: 'abcd' },
  ])
  for (const [url, input] of [
    ['/from/?a=1', [query, ['c', '3'], 4]],
    // what an error document answers is a GET
    ['/from/?a=404', [query, null]],
    ['/late/?a=1', [query, ['c', '3'], 4]],
  ] as const) {
    t.same((await app.inject({ ...form, url })).json(), input, url)
    await until(() => uploadsIn(app.stateDirectory).length === 0)
  }
})

t.test('a variable that a function set is one for Header lines too', async t => {
  const app = await site(t, {
    '.psoaccess': 'Header = set X-Mine "%{MINE}e" env=MINE',
    'handler.ts': does('if (req.args) req.pso().setEnviron("MINE", "m")'),
  })
  t.equal((await app.inject('/?set')).headers['x-mine'], 'm')
  t.equal((await app.inject('/')).headers['x-mine'], undefined)
})
