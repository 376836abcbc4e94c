import t from 'tap'
import { counter, does, Jar, says, visit } from '../support/handlers.ts'
import { plant, site } from '../support/site.ts'

t.test('PSOSessionId: all visitors share the session, and nobody gets a cookie', async t => {
  const app = await site(t, { '.psoaccess': 'PSOSessionId = 007', 'handler.ts': counter })
  for (const count of [1, 2, 3]) {
    const { body, headers } = await app.inject('/')
    t.equal(visit(body), count)
    t.equal(headers['set-cookie'], undefined)
  }
})

t.test('PSOSessionLockWait: who waits for longer gets 503', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = shop\nPSOSessionLockWait = 1',
    'handler.ts': does(`
      const gate = (globalThis as any).lockWaitGate ??= Promise.withResolvers()
      const { session } = req.pso()
      session.n = 1
      if (req.args === 'hold') await gate.promise
      return 'done'`),
    open: { '.psoaccess': '', 'handler.ts': does('(globalThis as any).lockWaitGate.resolve(); return "open"') },
  })
  const jar = new Jar().take((await app.inject('/')).headers)
  // a request is sent when somebody asks for its answer
  const held = app.inject({ url: '/?hold', headers: jar.headers }).then(answer => answer)
  const late = await app.inject({ url: '/', headers: jar.headers })
  t.equal(late.statusCode, 503)
  t.equal((await app.inject('/open/')).body, 'open')
  t.equal((await held).body, 'done')
})

t.test('PSOCookieSession_Max-Age changes the cookie', async t => {
  const app = await site(t, { '.psoaccess': 'PSOCookieSession_Max-Age = 15*60', 'handler.ts': counter })
  t.match((await app.inject('/')).headers['set-cookie'], /; Max-Age=900\b/)
})

t.test('what the environment of a request is made of', async t => {
  process.env['PSO_TEST_GIVEN'] = 'given'
  process.env['PSO_TEST_HIDDEN'] = 'hidden'
  t.teardown(() => {
    delete process.env['PSO_TEST_GIVEN']
    delete process.env['PSO_TEST_HIDDEN']
  })
  const app = await site(
    t,
    {
      '.psoaccess':
        'SetEnv = A 1\nSetEnv = B 2\nPassEnv = PSO_TEST_GIVEN PSO_TEST_HIDDEN\nSetEnv = C "${PSO_TEST_GIVEN}!"',
      'handler.ts': does(`
        const { A, B, C, PSO_TEST_GIVEN, PSO_TEST_HIDDEN } = req.pso().getEnviron()
        return { A, B, C, PSO_TEST_GIVEN, PSO_TEST_HIDDEN }`),
      below: { '.psoaccess': 'UnsetEnv = B' },
    },
    { ini: 'ExposeEnv = PSO_TEST_GIVEN' },
  )
  t.same((await app.inject('/')).json(), { A: '1', B: '2', C: 'given!', PSO_TEST_GIVEN: 'given' })
  t.same((await app.inject('/below/')).json(), { A: '1', C: 'given!', PSO_TEST_GIVEN: 'given' })
})

t.test('PSOOption: req.options, entry by entry', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOOption = a 1\nPSOOption = b "2 3"',
    'handler.ts': does('return { ...req.options }'),
    below: { '.psoaccess': 'PSOOption = a\nPSOOption = c 4' },
  })
  t.same((await app.inject('/')).json(), { a: '1', b: '2 3' })
  t.same((await app.inject('/below/')).json(), { b: '2 3', c: '4' })
})

t.test('AddHandler and RemoveHandler: what runs existing files', async t => {
  const app = await site(t, {
    '.psoaccess': 'AddHandler = pso-program .page',
    'handler.ts': says('program'),
    'a.page': 'text',
    below: { '.psoaccess': 'RemoveHandler = .page', 'a.page': 'text' },
  })
  t.equal((await app.inject('/a.page')).body, 'program')
  t.equal((await app.inject('/below/a.page')).body, 'text')
})

t.test('AccessFileName: the file that counts, and is never sent', async t => {
  const app = await site(
    t,
    {
      'site.conf': 'Header = set X-Conf yes\n',
      '.psoaccess': 'Nonsense = 1\n',
      'a.txt': 'a',
      'handler.ts': says('program'),
    },
    { ini: 'AccessFileName = site.conf' },
  )
  const { statusCode, headers } = await app.inject('/a.txt')
  t.equal(statusCode, 200)
  t.equal(headers['x-conf'], 'yes')
  t.equal((await app.inject('/')).body, 'program')
  t.equal((await app.inject('/site.conf')).body, 'program', 'the directory’s handler answers, as for what is not there')
})

t.test('LimitRequestFields', async t => {
  const app = await site(t, { 'a.txt': 'a' }, { ini: 'LimitRequestFields = 5' })
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, '1']))
  t.equal((await app.inject({ url: '/a.txt', headers: fields(2) })).statusCode, 200)
  t.equal((await app.inject({ url: '/a.txt', headers: fields(9) })).statusCode, 400)
})

t.test('phases of server.ini, and those that only a directory has', async t => {
  const hook = (name: string, answer: string): string =>
    `export const ${name} = (req: any) => { (globalThis as any).effects.push('${name}'); return ${answer} }\n`
  ;(globalThis as Record<string, unknown>)['effects'] = []
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOHandler = page.ts\nPSOAuthzHandler = hooks.ts\nPSOCleanupHandler = hooks.ts::last',
      'page.ts': says('page'),
      'hooks.ts': hook('authz', '0') + hook('last', '0'),
      closed: { '.psoaccess': 'PSOAuthzHandler = no.ts', 'no.ts': hook('authz', '403') },
    },
    { ini: 'PSOTransHandler = ../public_html/trans.ts::map' },
  )
  plant(app.root, { 'trans.ts': hook('map', '-1') })
  t.equal((await app.inject('/')).body, 'page')
  t.equal((await app.inject('/closed/')).statusCode, 403)
  t.same((globalThis as Record<string, unknown>)['effects'], ['map', 'authz', 'last', 'map', 'authz', 'last'])
})

t.test(
  'without AllowOverride Handlers no module of the directory is loaded; with None its file is not read',
  async t => {
    const loaded = '(globalThis as any).uploadRan = true\nexport const handler = () => "ran"\n'
    for (const [groups, lines] of [
      ['Session FileInfo', 'PSOServiceId = a'],
      ['None', 'PSOHandler = handler.ts\nNonsense = 1'],
    ] as const) {
      const app = await site(
        t,
        {
          '.psoaccess': 'PSOHandler = page.ts | .html',
          'page.ts': says('page'),
          upload: { '.psoaccess': lines, 'handler.ts': loaded, 'a.html': 'a', 'a.txt': 'text' },
        },
        { ini: `[Directory public_html/upload]\nAllowOverride = ${groups}` },
      )
      t.equal((await app.inject('/upload/')).statusCode, 403, groups)
      t.equal((await app.inject('/upload/more')).statusCode, 404, groups)
      t.equal((await app.inject('/upload/handler.ts')).statusCode, 404, groups)
      t.equal((await app.inject('/upload/a.txt')).body, 'text', groups)
      t.equal((await app.inject('/upload/a.html')).body, 'page', `${groups}: what is inherited holds`)
    }
    t.equal((globalThis as Record<string, unknown>)['uploadRan'], undefined)
  },
)

t.test('Header: each action, in the order of the lines', async t => {
  const app = await site(t, {
    '.psoaccess': [
      'SetEnv = V v',
      'Header = set X-Edit "a b a"',
      'Header = edit X-Edit "(a) (b)" "<$0 $2$1$3 %{V}e 5%% \\$1 $&>"',
      'Header = edit* X-Edit a A',
      'Header = setifempty X-Edit no',
      'Header = setifempty X-List one',
      'Header = merge X-List one',
      'Header = merge X-List two',
      'Header = append X-List two',
      'Header = add X-Add 1 env=V',
      'Header = add X-Add 2 env=!V',
      'Header = add X-Add 3 env=!W',
    ].join('\n'),
    'a.txt': 'a',
  })
  const { headers } = await app.inject('/a.txt')
  t.equal(headers['x-edit'], '<A b bA v 5% $1 $&> A')
  t.equal(headers['x-list'], 'one, two, two')
  t.same(headers['x-add'], ['1', '3'])
})

t.test('Include: its lines are those of server.ini', async t => {
  const { makeServer } = await import('../../server/index.ts')
  const { readServerConfig } = await import('../../directives/index.ts')
  const top = t.testdir({
    conf: { 'server.ini': 'Include = more.ini\nErrorLog = none', 'more.ini': 'Header = set X-More yes' },
    public_html: { 'a.txt': 'a' },
  })
  const config = readServerConfig({ file: 'conf/server.ini', environment: {}, cwd: top })
  const server = await makeServer({ config, development: false })
  t.teardown(() => server.close())
  t.equal((await server.inject('/a.txt')).headers['x-more'], 'yes')
})
