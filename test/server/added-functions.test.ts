import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { marks, seenAtEnd } from '../support/seen.ts'
import { site, type TestSite, type Tree } from '../support/site.ts'

/** A site whose access function does what is said, and whose handler says that it ran. */
const adding = (t: Parameters<typeof site>[0], code: string, access = '', more: Tree = {}): Promise<TestSite> =>
  site(t, {
    '.psoaccess': `PSOAccessHandler = a.ts\n${access}`,
    'a.ts': `import { DECLINED, DONE, OK, ServerReturn } from 'pso'
const note = (text: string) => (): any => { ${marks('text')} }
export const access = (req: any): any => { ${code} }
export const other = () => { ${marks("'other'")} }
`,
    'handler.ts': does(`${marks("'handler'")}; return 'handler'`),
    'plain.txt': 'file',
    ...more,
  })

t.test('a later phase runs what was added, at its end or where it had nothing, in the order of adding', async t => {
  const app = await adding(
    t,
    `for (const phase of ['Log', 'Cleanup', 'Type', 'Fixup', 'Authz', 'Content']) { req.addHandler(phase, note(phase)); req.addHandler(phase, note(phase + 2)) }
    req.registerCleanup(note('registered'))`,
    'PSOTypeHandler = b.ts\nPSOLogHandler = b.ts',
    {
      'b.ts': `export const type = () => { ${marks("'own type'")} }\nexport const log = () => { ${marks("'own log'")} }\n`,
    },
  )
  t.equal((await app.inject('/')).body, 'handler')
  t.same(await seenAtEnd(), [
    ...['Authz', 'Authz2', 'own type', 'Type', 'Type2', 'Fixup', 'Fixup2', 'handler', 'Content', 'Content2'],
    ...['own log', 'Log', 'Log2', 'registered', 'Cleanup', 'Cleanup2'],
  ])
  t.equal((await app.inject('/plain.txt')).body, '', 'for Content it answers in place of a file')
  t.same((await seenAtEnd()).slice(-6), ['own log', 'Log', 'Log2', 'registered', 'Cleanup', 'Cleanup2'])
})

t.test(
  'what is added to the running phase runs at its end, and may add more; a phase that is over is left alone',
  async t => {
    const app = await adding(
      t,
      `${marks("'access'")}; req.addHandler('Access', (again: any) => { ${marks("'added'")}; again.addHandler('Access', note('more')) }); req.addHandler('HeaderParser', note('never'))`,
      'PSOAccessHandler = a.ts::other',
    )
    await app.inject('/')
    t.same(await seenAtEnd(), ['access', 'other', 'added', 'more', 'handler'])
    t.match(app.errorLog(), /\[debug\].*a\.ts::access adds a handler to HeaderParser in Access: it is over/)
  },
)

t.test('what an added function answers counts as any other', async t => {
  for (const [added, status, body, ran] of [
    ["req.addHandler('Fixup', () => 403)", 403, undefined, []],
    ["req.addHandler('Type', async () => { throw new ServerReturn(410) })", 410, undefined, []],
    ["req.addHandler('Type', () => { throw new Error('x') })", 500, undefined, []],
    ["req.addHandler('Type', () => 'nonsense')", 500, undefined, []],
    ["req.addHandler('Content', () => ' and more')", 200, 'handler and more', ['handler']],
    [
      "req.addHandler('Content', async function* () { yield ' and'; yield ' more' })",
      200,
      'handler and more',
      ['handler'],
    ],
    ["req.addHandler('Content', () => 403)", 403, undefined, ['handler']],
    ["req.addHandler('Content', () => DONE); req.addHandler('Content', note('never'))", 200, 'handler', ['handler']],
    ["req.addHandler('Authen', (req: any) => { req.user = 'me'; return OK })", 200, 'handler', ['handler']],
    ["req.addHandler('Authen', () => OK)", 500, undefined, []],
    [
      "req.addHandler('Log', () => { throw new Error('x') }); req.addHandler('Log', note('never')); req.addHandler('Cleanup', note('cleanup'))",
      200,
      'handler',
      ['handler', 'cleanup'],
    ],
  ] as const) {
    const app = await adding(t, added)
    const answer = await app.inject('/')
    t.equal(answer.statusCode, status, added)
    if (body !== undefined) t.equal(answer.body, body, added)
    t.same(await seenAtEnd(), ran, added)
  }
})

t.test('for Content, where a file, a listing or nothing would answer: DECLINED leaves it that', async t => {
  const app = await adding(
    t,
    "if (req.args) req.addHandler('Content', () => req.args === 'mine' ? `mine: ${req.uri}` : DECLINED)",
    'Options = Indexes\nPSOHandler = none',
    { listed: { 'x.txt': 'x' } },
  )
  for (const [url, status, body] of [
    ['/plain.txt?mine', 200, 'mine: /plain.txt'],
    ['/plain.txt?no', 200, 'file'],
    ['/listed/?mine', 200, 'mine: /listed/'],
    ['/listed/?no', 200, /x\.txt/],
    ['/none?mine', 200, 'mine: /none'],
    ['/none?no', 404, /404/],
    ['/listed?mine', 301, /301/],
  ] as const) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url)
    t.match(answer.body, body, url)
  }
})

t.test('a module and function by name, seen from where the function that adds it was named', async t => {
  const app = await adding(t, "req.addHandler('Fixup', decodeURIComponent(req.args))", '', {
    sub: { '.psoaccess': '', 'handler.ts': says('sub'), 'f.ts': 'export const fixup = 1\n' },
    'f.ts': `export const fixup = () => { ${marks("'by name'")} }\nexport const o = { m () { ${marks("'by path'")} } }\n`,
  })
  for (const [name, ran] of [
    ['f.ts', 'by name'],
    ['f', 'by name'],
    ['f.ts::fixup', 'by name'],
    ['f.ts::o.m', 'by path'],
  ] as const) {
    t.equal((await app.inject(`/sub/?${encodeURIComponent(name)}`)).body, 'sub')
    t.same(await seenAtEnd(), [ran], name)
  }
  for (const [name, log] of [
    ['none.ts', /expected the module none\.ts in .*public_html, found no such file/],
    ['f.ts::none', /expected the function none in .*f\.ts, it exports fixup/],
    ['::x', /expected a function or MODULE\[::FUNCTION\] to add to Fixup, got "::x"/],
  ] as const) {
    t.equal((await app.inject(`/?${encodeURIComponent(name)}`)).statusCode, 500, name)
    t.match(app.errorLog().trimEnd().split('\n').at(-1), log, name)
  }
  await seenAtEnd()
})

t.test('a phase that there is not is an error that names the nearest', async t => {
  for (const [phase, near] of [
    ['Logs', /got Logs \(did you mean Log\?\)/],
    ['PythonFixupHandler', /got PythonFixupHandler \(did you mean Fixup\?\)/],
    ['xyzzy', /expected a phase \(PostReadRequest, Trans, .*Cleanup\), got xyzzy/],
  ] as const) {
    const app = await adding(t, `req.addHandler('${phase}', () => {})`)
    t.equal((await app.inject('/')).statusCode, 500)
    t.match(app.errorLog(), near)
  }
})

t.test('a function that adds itself again and again is an error, and the next request is served', async t => {
  for (const [phase, status] of [
    ['Access', 500],
    ['Content', 500],
    ['Log', 200],
  ] as const) {
    const app = await adding(
      t,
      `const again = ${phase === 'Log' ? 'async ' : ''}(): any => { req.addHandler('${phase}', again) }; if (req.args) again()`,
    )
    t.equal((await app.inject('/?x')).statusCode, status, phase)
    await seenAtEnd()
    t.match(app.errorLog(), /a\.ts::access > again added to \w+ adds handlers without end: 1000 for one request/)
    t.notMatch(app.errorLog(), /again added to \w+ > again/)
    t.equal((await app.inject('/')).statusCode, 200)
    await seenAtEnd()
  }
})

t.test(
  'a cleanup that registers itself again and again is an error in the log, and the next request is served',
  async t => {
    const app = await adding(t, 'const again = (): any => { req.registerCleanup(again) }; if (req.args) again()')
    for (const url of ['/?x', '/']) {
      t.equal((await app.inject(url)).statusCode, 200)
      await seenAtEnd()
    }
    t.match(app.errorLog(), /after \/\?x: Error: cleanups are registered without end: 1000 for one request, .*a\.ts:\d/)
  },
)

t.test('what was added to a pass ends with it; Log and Cleanup are the request’s', async t => {
  const app = await adding(
    t,
    "if (req.prev === undefined) { for (const phase of ['Fixup', 'Content', 'Log', 'Cleanup']) req.addHandler(phase, note(phase)); req.internalRedirect('/other/') }",
    '',
    { other: { '.psoaccess': '', 'handler.ts': says('other') } },
  )
  t.equal((await app.inject('/')).body, 'other')
  t.same(await seenAtEnd(), ['Log', 'Cleanup'])
})

t.test('nothing that was added is left for the next request', async t => {
  const app = await adding(t, "if (req.args) for (const phase of ['Fixup', 'Log']) req.addHandler(phase, note(phase))")
  await app.inject('/?add')
  t.same(await seenAtEnd(), ['Fixup', 'handler', 'Log'])
  await app.inject('/')
  t.same(await seenAtEnd(), ['handler'])
})
