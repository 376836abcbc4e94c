import { spawnSync } from 'node:child_process'
import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli } from '../support/project.ts'
import { plant, site, type Tree } from '../support/site.ts'

/** A loader that keeps nothing, and says its directives' values in the session that it always has. */
const telling = (directives: string, className = 'Telling'): string => `export class ${className} {
  static directives = ${directives}
  directives: any
  load (id: string, { serviceId }: any) {
    const data = JSON.stringify({ directives: JSON.stringify(this.directives) })
    return { serviceId, data, createdAt: Date.now(), usedAt: Date.now(), version: 1 }
  }
  save () {}
}
`

const all = `{
  PSOMine_Text: { kind: 'text', default: 'some text', doc: 'Is a text.' },
  PSOMine_Number: { kind: 'number', default: -1.5, doc: 'Is a number.' },
  PSOMine_Integer: { kind: 'integer', default: 3, doc: 'Is a whole number.' },
  PSOMine_Seconds: { kind: 'seconds', default: 60, doc: 'Is a time.' },
  PSOMine_Flag: { kind: 'flag', default: true, doc: 'Is on or off.' },
  PSOMine_Path: { kind: 'path', default: 'mine', doc: 'Is a path.' },
  PSOMine_Word: { kind: ['Red', 'Green'], default: 'Red', doc: 'Is one of two.' },
  PSOMine_None: { kind: 'text', doc: 'Has no default.' },
}`

const tells = `import type { Request } from 'pso'
export const handler = (req: Request) => { req.contentType = 'application/json'; return req.pso().session.directives }`
const headers = { cookie: `s=${'A'.repeat(27)}` }
const lines = 'PSOServiceId = s\nPSOSessionLoader = my.ts\nPSOSessionReadOnly = on\n'

t.test('an object of a class has the values of what it declares: the lines in effect, else the defaults', async t => {
  const app = await site(t, {
    '.psoaccess': lines,
    'my.ts': telling(all),
    'handler.ts': tells,
    set: {
      '.psoaccess': `PSOMine_Text = two  words
psomine_number = 2.5
PSOMine_Integer = 4
PSOMine_Seconds = 15*60
PSOMine_Flag = off
PSOMine_Path = other/place
PSOMine_Word = green
PSOMine_None = "now # some"`,
      below: { '.psoaccess': 'PSOMine_Text =\nPSOMine_Integer = 5' },
      [`else`]: { '.psoaccess': '[Files x*]\nPSOMine_Text = of x\n[/Files]\n' },
    },
  })
  const values = async (url: string): Promise<unknown> => JSON.parse((await app.inject({ url, headers })).body)
  const defaults = {
    PSOMine_Text: 'some text',
    PSOMine_Number: -1.5,
    PSOMine_Integer: 3,
    PSOMine_Seconds: 60,
    PSOMine_Flag: true,
    PSOMine_Path: join(app.stateDirectory, 'mine'),
    PSOMine_Word: 'Red',
  }
  t.same(await values('/'), defaults)
  const set = {
    PSOMine_Text: 'two words',
    PSOMine_Number: 2.5,
    PSOMine_Integer: 4,
    PSOMine_Seconds: 900,
    PSOMine_Flag: false,
    PSOMine_Path: join(app.stateDirectory, 'other/place'),
    PSOMine_Word: 'Green',
    PSOMine_None: 'now # some',
  }
  t.same(await values('/set/'), set)
  t.same(await values('/set/below/'), { ...set, PSOMine_Text: 'some text', PSOMine_Integer: 5 })
  t.same(await values('/set/else/'), set)
  t.same(await values('/set/else/xy'), { ...set, PSOMine_Text: 'of x' })
})

t.test('they reach getPath too, and hold where another line has replaced the module', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOFixupHandler = my::fixup\nPSOMine_Where = kept',
    'my.ts': `import { CookieFileImpl, pso, type Request } from 'pso'
export class Mine extends CookieFileImpl {
  static directives = { PSOMine_Where: { kind: 'path', default: 'x', doc: 'Says where.' } }
  declare directives: { PSOMine_Where: string }
  override getPath () { return this.directives.PSOMine_Where }
}
export const fixup = (req: Request) => pso.fixup(req, Mine)
export const handler = (req: Request) => { req.pso().session.a = 1; return new Mine().constructor.name }`,
    'handler.ts': "export { handler } from './my.ts'",
    usual: { '.psoaccess': 'PSOFixupHandler = pso::fixup', 'handler.ts': "export const handler = () => 'usual'" },
  })
  t.equal((await app.inject('/')).body, 'Mine', app.errorLog())
  t.ok(realpathSync(join(app.stateDirectory, 'kept')))
  t.equal((await app.inject('/usual/')).body, 'usual', app.errorLog())
})

t.test('mistakes in them are those of built-in directives, and close their tree only', async t => {
  const bad = (line: string): Tree => ({ '.psoaccess': `\n${line}`, 'handler.ts': tells })
  const app = await site(t, {
    '.psoaccess': lines,
    'my.ts': telling(all),
    'handler.ts': tells,
    integer: bad('PSOMine_Integer = four'),
    word: bad('PSOMine_Word = blue'),
    path: bad('PSOMine_Path = ../public_html/here'),
    misspelt: bad('PSOMine_Txet = a'),
    builtIn: bad('PSOSesionLoader = a'),
    section: bad('[Files other]\nPSOMine_Tetx = a\n[/Files]'),
  })
  for (const [url, message] of [
    ['/integer/', /integer\/\.psoaccess:2: PSOMine_Integer: expected a whole number, 0 or more, got "four"/],
    ['/word/', /word\/\.psoaccess:2: PSOMine_Word: expected Red or Green, got "blue"/],
    ['/path/', /path\/\.psoaccess:2: PSOMine_Path: expected a path outside the document root/],
    ['/misspelt/', /misspelt\/\.psoaccess:2: PSOMine_Txet: unknown directive \(did you mean PSOMine_Text\?\)/],
    ['/builtIn/', /PSOSesionLoader: unknown directive \(did you mean PSOSessionLoader\?\)/],
    ['/section/', /section\/\.psoaccess:3: PSOMine_Tetx: unknown directive \(did you mean PSOMine_Text\?\)/],
  ] as const) {
    t.equal((await app.inject(url)).statusCode, 500, url)
    t.match(app.errorLog(), message)
  }
  t.equal((await app.inject({ url: '/', headers })).statusCode, 200)
})

t.test('a declaration that is wrong is an error that names its module', async t => {
  const wrong: readonly (readonly [declared: string, message: RegExp])[] = [
    ["{ MyTable: { kind: 'text', doc: 'A.' } }", /expected names of PSO and letters, digits, _ or -, got "MyTable"/],
    ["{ psosessionidle: { kind: 'text', doc: 'A.' } }", /expected names of PSO/],
    ["{ PSOSessionidle: { kind: 'text', doc: 'A.' } }", /PSOSessionidle is a directive of pso/],
    [
      "{ PSOMine: { kind: 'texts', doc: 'A.' } }",
      /PSOMine: expected kind to be text, number, integer, seconds, flag or path, or a list of words/,
    ],
    ["{ PSOMine: { kind: 'constructor', doc: 'A.' } }", /expected kind/],
    ["{ PSOMine: { kind: [], doc: 'A.' } }", /expected kind/],
    ["{ PSOMine: { kind: 'text' } }", /PSOMine: expected doc to be a sentence/],
    [
      "{ PSOMine: { kind: 'flag', default: 'on', doc: 'A.' } }",
      /PSOMine: expected default to be a boolean, got a string/,
    ],
    ["{ PSOMine: { kind: ['a', 'b'], default: 'c', doc: 'A.' } }", /PSOMine: the default: expected a or b, got "c"/],
    ["{ PSOMine: { kind: 'seconds', default: -1, doc: 'A.' } }", /PSOMine: the default: expected from 0/],
    ['{ PSOMine: null }', /PSOMine: expected kind/],
    ["'PSOMine'", /expected an object, by the name of the directive/],
  ]
  const app = await site(t, {
    ...Object.fromEntries(
      wrong.map(([declared], at) => [
        `w${at}`,
        { '.psoaccess': `${lines}PSOMine = 1`, 'my.ts': telling(declared), 'handler.ts': tells },
      ]),
    ),
    unset: { '.psoaccess': lines, 'my.ts': telling(wrong[0]![0]), 'handler.ts': tells },
    differs: {
      '.psoaccess': `${lines.replace('my.ts', 'my.ts::One')}PSOMine = 1`,
      'my.ts': `${telling("{ PSOMine: { kind: 'text', doc: 'A.' } }", 'One')}${telling("{ PSOMine: { kind: 'flag', doc: 'A.' } }", 'Two')}`,
      'handler.ts': tells,
    },
    same: {
      '.psoaccess': `${lines.replace('my.ts', 'my.ts::One')}PSOMine = 1`,
      'my.ts': `${telling("{ PSOMine: { kind: 'text', doc: 'A.' } }", 'One')}export class Two extends One {}`,
      'handler.ts': tells,
    },
  })
  for (const [at, [, message]] of wrong.entries()) {
    t.equal((await app.inject({ url: `/w${at}/`, headers })).statusCode, 500)
    t.match(app.errorLog(), message)
    t.match(app.errorLog(), `static directives of ${app.root}/w${at}/my.ts::Telling: `)
  }
  t.equal((await app.inject({ url: '/unset/', headers })).statusCode, 500, 'no line sets it, but the class is used')
  t.equal((await app.inject({ url: '/differs/', headers })).statusCode, 500)
  t.match(app.errorLog(), /static directives of .*my\.ts::Two: .*my\.ts::One declares PSOMine in another way/)
  t.equal((await app.inject({ url: '/same/', headers })).body, '{"PSOMine":"1"}')
})

t.test('an edit of a declaration is live with the next request', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': `${lines}PSOMine = 5`,
      'my.ts': telling("{ PSOMine: { kind: 'text', doc: 'A.' } }"),
      'handler.ts': tells,
    },
    { development: true },
  )
  const body = async (): Promise<string> => (await app.inject({ url: '/', headers })).body
  t.equal(await body(), '{"PSOMine":"5"}')
  writeFileSync(join(app.root, 'my.ts'), telling("{ PSOMine: { kind: 'integer', doc: 'A.' } }"))
  t.equal(await body(), '{"PSOMine":5}')
  writeFileSync(join(app.root, 'my.ts'), telling("{ PSOYours: { kind: 'integer', doc: 'A.' } }"))
  t.match(await body(), /PSOMine: unknown directive/)
})

t.test('pso check, explain and directives know them', async t => {
  const top = realpathSync(t.testdir({}))
  plant(join(top, 'public_html'), {
    '.psoaccess': `${lines}PSOMine_Text = a\nsetInterval = 1`,
    'my.ts': `setInterval(() => {}, 1000)\n${telling(all)}`,
    'handler.ts': tells,
    below: { '.psoaccess': 'PSOMine_Text = b\nPSOMine_Integer = x\nPSOMine_Txet = 1' },
    broken: { '.psoaccess': 'PSOHandler = broken.ts\nPSOYours = 1', 'broken.ts': '\nthrow new Error("no")' },
  })
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: top, encoding: 'utf8' })
    return { status, out: stdout.replaceAll(`${top}/public_html/`, '').trim().split('\n'), errors: stderr }
  }
  const checked = run('check')
  t.equal(checked.status, 1)
  t.same(checked.out, [
    '.psoaccess:5: setInterval: unknown directive',
    'below/.psoaccess:2: PSOMine_Integer: expected a whole number, 0 or more, got "x"',
    'below/.psoaccess:3: PSOMine_Txet: unknown directive (did you mean PSOMine_Text?)',
    ...checked.out.filter(line => line.startsWith('broken/')),
  ])
  t.match(checked.out.join('\n'), /broken\/\.psoaccess:2: PSOYours: unknown directive/)
  t.match(
    checked.out.join('\n'),
    /cannot be judged: the module broken\/broken\.ts does not load: no, broken\/broken\.ts:2/,
  )
  const explained = run('explain', '/below/')
  t.match(explained.out.join('\n'), 'PSOMine_Text = b  below/.psoaccess:1\n  over a  .psoaccess:4')
  t.match(explained.out.join('\n'), 'below/.psoaccess:2: PSOMine_Integer: expected')
  const described = run('directives', 'psomine_seconds')
  t.equal(described.status, 0)
  t.same(described.out.slice(0, 7), [
    'PSOMine_Seconds = SECONDS | EXPRESSION',
    '',
    '  Is a time.',
    '',
    '  Default        60',
    '  Declared by    my.ts::Telling',
    '  Where          .psoaccess',
  ])
  t.match(run('directives').out.join('\n'), /PSOSessionIdle = .*PSOMine_Word = Red \| Green/s)
  const unknown = run('directives', 'PSOMine_Txet')
  t.equal(unknown.status, 1)
  t.match(unknown.errors, /PSOMine_Txet: unknown directive \(did you mean PSOMine_Text\?\)/)
})

t.test('a fallback into a place whose modules have still to be loaded is judged by the lines there', async t => {
  const tree = {
    '.psoaccess': 'FallbackResource = /shut/page.html',
    shut: {
      '.psoaccess': `${lines}PSOMine_Integer = 4\nRequire = all denied`,
      'my.ts': telling(all),
      'page.html': 'secret',
    },
  }
  const app = await site(t, tree)
  for (const time of ['first', 'second']) t.equal((await app.inject('/none')).statusCode, 403, time)
  const wrong = await site(t, { ...tree, shut: { ...tree.shut, '.psoaccess': `${lines}PSOMine_Integre = 4` } })
  for (const time of ['first', 'second']) t.equal((await wrong.inject('/none')).statusCode, 500, time)
})
