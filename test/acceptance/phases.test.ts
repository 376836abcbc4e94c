import t from 'tap'
import { does, Jar, says } from '../support/handlers.ts'
import { marks, seen } from '../support/seen.ts'
import { site, type TestSite } from '../support/site.ts'

const shared = globalThis as unknown as { logged: (said: string) => void }

/** A log function that tells what it is about. */
const logs = 'export const log = (req: any) => { (globalThis as any).logged(`${req.uri} ${req.status}`) }\n'

/** The answer to a request of a directory whose Log or Cleanup tells of its end, and what that told. */
async function asked(app: TestSite, url: string, jar = new Jar()) {
  const logged = new Promise<string>(resolve => (shared.logged = resolve))
  const { statusCode: status, body, headers } = await app.inject({ url, headers: jar.headers })
  jar.take(headers)
  return { status, body, logged: await logged }
}

/** Handlers of all phases, each noting its name; Access and Fixup do what the query says. */
const traces = `import { DECLINED, OK } from 'pso'
const note = (name: string) => ${marks('name')}
export const postReadRequest = () => { note('PostReadRequest') }
export const trans = () => { note('Trans') }
export const headerParser = () => { note('HeaderParser') }
export const access = (req: any) => { note('Access'); if (req.args === 'access') return 403 }
export const authen = (req: any) => { note('Authen'); req.user = 'me'; return OK }
export const authz = () => { note('Authz'); return OK }
export const type = () => { note('Type'); return DECLINED }
export const fixup = (req: any) => { note('Fixup'); if (req.args === 'fixup') throw new Error('in fixup') }
export const handler = () => { note('Content'); return 'text' }
export const log = (req: any) => { note('Log ' + req.status) }
export const cleanup = () => { note('Cleanup'); (globalThis as any).logged('') }
`

t.test('37: handlers of every phase run in order; a refusal and an error skip to the log, which sees it', async t => {
  // b.1 without its Init, as DESIGN 5 has the phases
  const ofDirectories = ['HeaderParser', 'Access', 'Authen', 'Authz', 'Type', 'Fixup', '', 'Log', 'Cleanup']
  const app = await site(
    t,
    { '.psoaccess': ofDirectories.map(name => `PSO${name}Handler = traces.ts`).join('\n'), 'traces.ts': traces },
    {
      development: true,
      ini: 'PSOPostReadRequestHandler = ../public_html/traces.ts\nPSOTransHandler = ../public_html/traces.ts',
    },
  )
  const first = ['PostReadRequest', 'Trans', 'HeaderParser', 'Access']
  for (const [url, status, expected] of [
    ['/', 200, [...first, 'Authen', 'Authz', 'Type', 'Fixup', 'Content', 'Log 200', 'Cleanup']],
    ['/?access', 403, [...first, 'Log 403', 'Cleanup']],
    ['/?fixup', 500, [...first, 'Authen', 'Authz', 'Type', 'Fixup', 'Log 500', 'Cleanup']],
  ] as const) {
    t.equal((await asked(app, url)).status, status)
    t.same(seen(), expected)
  }
})

t.test('38: what a handler wrote before it threw is not sent, and the session is as it was', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s\nPSOLogHandler = log.ts',
      'log.ts': logs,
      'handler.ts': does(`
        const { session } = req.pso()
        session.n = (session.n ?? 0) + 1
        req.write(\`partial \${session.n}\`)
        if (req.args === 'throw') throw new Error('on purpose')`),
    },
    { development: true },
  )
  const jar = new Jar()
  t.match(await asked(app, '/', jar), { status: 200, body: 'partial 1' })
  const failed = await asked(app, '/?throw', jar)
  t.equal(failed.status, 500)
  t.notMatch(failed.body, 'partial 2')
  t.equal(failed.logged, '/ 500')
  t.equal((await asked(app, '/', jar)).body, 'partial 2')
})

t.test('39: a log function that throws changes nothing; it runs for files, a 404 and who is not let in', async t => {
  const app = await site(
    t,
    {
      throws: {
        '.psoaccess': 'PSOLogHandler = throws.ts log.ts',
        'throws.ts':
          'export const log = () => { (globalThis as any).logged(""); throw new Error("the log went wrong") }\n',
        'handler.ts': says('the page'),
      },
      all: {
        '.psoaccess': 'PSOLogHandler = pso::cleanup log.ts',
        'log.ts': logs,
        'file.txt': 'a file',
        'handler.ts': says('the page'),
        members: {
          '.psoaccess': 'PSOHandler = none\nPSOAuthenHandler = asks.ts',
          'asks.ts': 'export const authen = () => 401\n',
        },
        none: { '.psoaccess': 'PSOHandler = none' },
      },
    },
    { development: true },
  )
  t.match(await asked(app, '/throws/'), { status: 200, body: 'the page' })
  for (const [url, status] of [
    ['/all/file.txt', 200],
    ['/all/none/missing', 404],
    ['/all/members/', 401],
  ] as const)
    t.match(await asked(app, url), { status, logged: `${url} ${status}` })
  await app.close()
  t.match(app.errorLog(), /the log went wrong/)
  t.notMatch(app.errorLog(), /session/i)
})

t.test('40: a directory inherits, phase by phase and option by option, what it does not set itself', async t => {
  const module = (name: string): string => `
export const fixup = (req: any) => { req.notes.fixup = '${name}' }
export const handler = (req: any) => \`${name} after fixup of \${req.notes.fixup}, option \${req.options.size}\`
export const log = (req: any) => { (globalThis as any).logged('${name}') }
`
  const app = await site(
    t,
    {
      parent: {
        '.psoaccess': 'PSOHandler = p\nPSOFixupHandler = p::fixup\nPSOLogHandler = p::log\nPSOOption = size small',
        'p.ts': module('p'),
        child: {
          '.psoaccess': 'PSOHandler = c\nPSOOption = size large',
          'c.ts': module('c'),
          below: {},
          grandchild: { '.psoaccess': 'PSOOption =' },
        },
      },
    },
    { development: true },
  )
  for (const [url, body] of [
    ['/parent/', 'p after fixup of p, option small'],
    ['/parent/child/', 'c after fixup of p, option large'],
    ['/parent/child/below/', 'c after fixup of p, option large'],
    ['/parent/child/grandchild/', 'c after fixup of p, option undefined'],
  ] as const)
    t.same(await asked(app, url), { status: 200, body, logged: 'p' })
})

t.test('41: a list of handlers: all in order, until one says it is done or refuses', async t => {
  const a = does(`
    req.write('a')
    if (req.uri === '/done/') return DONE
    if (req.uri === '/refused/') return 403
    return OK`)
  const files = { 'a.ts': a, 'b.ts': says('b') }
  const app = await site(
    t,
    {
      line: { '.psoaccess': 'PSOHandler = a.ts b.ts', ...files },
      twice: { '.psoaccess': 'PSOHandler = a.ts\nPSOHandler = b.ts', ...files },
      done: { '.psoaccess': 'PSOHandler = a.ts b.ts', ...files },
      refused: { '.psoaccess': 'PSOHandler = a.ts b.ts', ...files },
    },
    { development: true },
  )
  for (const [url, body] of [
    ['/line/', 'ab'],
    ['/twice/', 'ab'],
    ['/done/', 'a'],
  ] as const) {
    const answer = await app.inject(url)
    t.same([answer.statusCode, answer.body], [200, body], url)
  }
  const refused = await app.inject('/refused/')
  t.equal(refused.statusCode, 403)
  t.match(refused.body, '403 Forbidden')
})

t.test('42: a list for an extension serves its files; the others go the usual way', async t => {
  const app = await site(
    t,
    {
      // DESIGN 4: existing files too, and instead of the unrestricted list
      '.psoaccess': 'PSOHandler = other.ts\nPSOHandler = page.ts | .html',
      'page.ts': says('page'),
      'other.ts': says('other'),
      'x.html': 'a file',
      'x.txt': 'a file',
      only: { '.psoaccess': 'PSOHandler =\nPSOHandler = ../page.ts | .html', 'x.html': 'a file', 'x.txt': 'a file' },
    },
    { development: true },
  )
  for (const [url, body] of [
    ['/x.html', 'page'],
    ['/x.txt', 'a file'],
    ['/missing.txt', 'other'],
    ['/only/x.html', 'page'],
    ['/only/x.txt', 'a file'],
  ] as const) {
    const answer = await app.inject(url)
    t.same([answer.statusCode, answer.body], [200, body], url)
  }
})

t.test('52: a document of an error and an internal redirect have a session; cleanups of both passes run', async t => {
  const cleanups = (name: string): string => `
    for (const number of [1, 2]) req.registerCleanup(() => ${marks(`'${name} ' + number`)})`
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s\nPSOCleanupHandler = cleanup.ts',
      'cleanup.ts': 'export const cleanup = () => { (globalThis as any).logged("") }\n',
      missing: {
        '.psoaccess': 'ErrorDocument = 404 /counter/',
        'handler.ts': does(`${cleanups('first')}\nreturn 404`),
      },
      moved: { '.psoaccess': '', 'handler.ts': does(`${cleanups('first')}\nreq.internalRedirect('/counter/')`) },
      counter: {
        '.psoaccess': '',
        'handler.ts': does(`${cleanups('second')}
          const { session } = req.pso()
          session.n = (session.n ?? 0) + 1
          return String(session.n)`),
      },
    },
    { development: true },
  )
  for (const [url, status] of [
    ['/missing/', 404],
    ['/moved/', 200],
  ] as const) {
    const jar = new Jar()
    for (const number of [1, 2]) {
      t.match(await asked(app, url, jar), { status, body: String(number) })
      t.same(seen(), ['second 2', 'second 1', 'first 2', 'first 1'])
    }
    t.match(await asked(app, '/counter/', jar), { status: 200, body: '3' })
    t.same(seen(), ['second 2', 'second 1'])
  }
})
