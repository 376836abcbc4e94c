import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readServerConfig } from '../../directives/index.ts'
import { says } from '../support/handlers.ts'
import { site } from '../support/site.ts'

const imports = (text: string): string =>
  `import { helper } from './lib/helper.ts'\nexport const handler = () => '${text} ' + helper\n`

t.test('an edit of a handler, or of what it imports, is served by the next request', async t => {
  const app = await site(
    t,
    { a: { '.psoaccess': '', 'handler.ts': imports('one'), lib: { 'helper.ts': "export const helper = 'h0'\n" } } },
    { development: true },
  )
  const body = async (): Promise<string> => (await app.inject('/a/')).body
  t.equal(await body(), 'one h0')
  for (let edit = 1; edit <= 50; edit++) {
    writeFileSync(join(app.root, 'a/lib/helper.ts'), `export const helper = 'h${edit}'\n`)
    t.equal(await body(), `one h${edit}`)
  }
  writeFileSync(join(app.root, 'a/handler.ts'), imports('two'))
  t.equal(await body(), 'two h50')
  writeFileSync(join(app.root, 'a/lib/helper.ts'), "export const helper = 'past'\n")
  utimesSync(join(app.root, 'a/lib/helper.ts'), 1, 1)
  t.equal(await body(), 'two past', 'an older time counts too')
})

t.test('a shared module that nobody touched stays one object, whatever is edited around it', async t => {
  const app = await site(
    t,
    {
      'db.ts': 'export const pool = { made: Math.random() }\n',
      a: {
        '.psoaccess': '',
        'handler.ts': "import { pool } from '../db.ts'\nexport const handler = () => `a ${pool.made}`\n",
      },
      b: {
        '.psoaccess': '',
        'handler.ts': "import { pool } from '../db.ts'\nexport const handler = () => `b ${pool.made}`\n",
      },
    },
    { development: true },
  )
  const made = async (url: string): Promise<string> => (await app.inject(url)).body.slice(2)
  const first = await made('/a/')
  t.equal(await made('/b/'), first)
  writeFileSync(
    join(app.root, 'a/handler.ts'),
    "import { pool } from '../db.ts'\nexport const handler = () => `A ${pool.made}`\n",
  )
  t.equal(await made('/a/'), first)
  writeFileSync(join(app.root, 'db.ts'), 'export const pool = { made: 1 + Math.random() }\n')
  const second = await made('/a/')
  t.not(second, first)
  t.equal(await made('/b/'), second)
})

t.test(
  'a syntax error: 500 with file:line in development, the last good one in production; mended, it serves',
  async t => {
    let now = Date.now()
    const tree = {
      a: { '.psoaccess': '', 'handler.ts': says('good') },
      b: { '.psoaccess': '', 'handler.ts': says('b') },
    }
    const development = await site(t, tree, { development: true })
    t.equal((await development.inject('/a/')).body, 'good')
    writeFileSync(join(development.root, 'a/handler.ts'), 'export const handler = () => {\n  const a: number = ;\n}\n')
    const broken = await development.inject('/a/')
    t.equal(broken.statusCode, 500)
    t.match(broken.body, /handler\.ts:2/)
    t.match(broken.body, /const a: number = ;/)
    t.equal((await development.inject('/b/')).body, 'b')
    writeFileSync(join(development.root, 'a/handler.ts'), says('mended'))
    t.equal((await development.inject('/a/')).body, 'mended')

    const production = await site(t, tree, { now: () => now })
    t.equal((await production.inject('/a/')).body, 'good')
    writeFileSync(join(production.root, 'a/handler.ts'), 'export const handler = ( => 1\n')
    for (let request = 0; request < 3; request++) {
      now += 1001
      t.equal((await production.inject('/a/')).body, 'good', 'the last good one')
    }
    t.equal(production.errorLog().match(/handler\.ts:1/g)?.length, 1, 'said once')
    writeFileSync(join(production.root, 'a/handler.ts'), says('mended'))
    now += 1001
    t.equal((await production.inject('/a/')).body, 'mended')
  },
)

t.test('whatever a handler imports, in whatever way: an edit is served by the next request', async t => {
  const app = await site(
    t,
    {
      json: {
        '.psoaccess': '',
        'handler.ts': "import data from './x.json' with { type: 'json' }\nexport const handler = () => data.x\n",
      },
      cjs: {
        '.psoaccess': 'PSOHandler = h.cjs',
        'h.cjs': "const { OK } = require('pso')\nconst { x } = require('./x.cjs')\nexports.handler = () => x\n",
      },
      js: { '.psoaccess': '', 'handler.js': "import { x } from './x.js'\nexport const handler = () => x\n" },
      mts: { '.psoaccess': '', 'handler.mts': "import { x } from './x.mts'\nexport const handler = () => x\n" },
      // looked for when the request runs, not when the handler is loaded
      late: { '.psoaccess': '', 'handler.ts': "export const handler = async () => (await import('./x.ts')).x\n" },
      circle: {
        '.psoaccess': '',
        'handler.ts': "import { y } from './y.ts'\nexport const handler = () => y()\n",
        'y.ts': "import { x } from './x.ts'\nexport const y = () => x\nexport const z = 1\n",
      },
    },
    { development: true },
  )
  const sources = {
    json: ['x.json', (x: string) => `{"x":"${x}"}`],
    cjs: ['x.cjs', (x: string) => `exports.x = '${x}'\n`],
    js: ['x.js', (x: string) => `export const x = '${x}'\n`],
    mts: ['x.mts', (x: string) => `export const x = '${x}' as const\n`],
    late: ['x.ts', (x: string) => `export const x = '${x}' as const\n`],
    circle: ['x.ts', (x: string) => `import { z } from './y.ts'\nexport const x = '${x}'; export const w = () => z\n`],
  } as const
  for (const [name, [file, source]] of Object.entries(sources)) {
    // an import that is not there yet: making the file mends the handler
    t.equal((await app.inject(`/${name}/`)).statusCode, 500, name)
    for (const text of ['one', 'two', 'six']) {
      writeFileSync(join(app.root, name, file), source(text))
      t.equal((await app.inject(`/${name}/`)).body, text, `${name} ${text}`)
    }
    rmSync(join(app.root, name, file))
    t.equal((await app.inject(`/${name}/`)).statusCode, 500, `${name} without its import`)
    writeFileSync(join(app.root, name, file), source('again'))
    t.equal((await app.inject(`/${name}/`)).body, 'again', name)
  }
})

t.test('an edit of an import while the handler is being loaded is not missed', async t => {
  const app = await site(
    t,
    {
      a: {
        '.psoaccess': '',
        'handler.ts':
          "import { x } from './x.ts'\nawait new Promise<void>(done => { (globalThis as any).loading(done) })\nexport const handler = () => x\n",
        'x.ts': "export const x = 'old'\n",
      },
    },
    { development: true },
  )
  const loading = new Promise<() => void>(resolve => ((globalThis as any).loading = resolve))
  const first = app.inject('/a/').then(answer => answer.body)
  const finish = await loading
  writeFileSync(join(app.root, 'a/x.ts'), "export const x = 'new'\n")
  ;(globalThis as any).loading = (done: () => void) => done()
  finish()
  t.equal(await first, 'old')
  t.equal((await app.inject('/a/')).body, 'new')
})

t.test('an import that was left out, edited and taken in again is the edited one', async t => {
  const using = "import { x } from './x.ts'\nexport const handler = () => x\n"
  const app = await site(
    t,
    { a: { '.psoaccess': '', 'handler.ts': using, 'x.ts': "export const x = 'old'\n" } },
    { development: true },
  )
  t.equal((await app.inject('/a/')).body, 'old')
  writeFileSync(join(app.root, 'a/handler.ts'), says('without'))
  t.equal((await app.inject('/a/')).body, 'without')
  writeFileSync(join(app.root, 'a/x.ts'), "export const x = 'new'\n")
  writeFileSync(join(app.root, 'a/handler.ts'), using)
  t.equal((await app.inject('/a/')).body, 'new')
})

t.test('production: a named module that is gone, or an import of it, leaves the last good one; said once', async t => {
  let now = Date.now()
  const app = await site(
    t,
    {
      a: {
        '.psoaccess': 'PSOHandler = h.ts',
        'h.ts': "import { x } from './x.ts'\nexport const handler = () => x\n",
        'x.ts': "export const x = 'good'\n",
      },
    },
    { now: () => now },
  )
  const body = async (): Promise<string> => {
    now += 1001
    return (await app.inject('/a/')).body
  }
  t.equal(await body(), 'good')
  rmSync(join(app.root, 'a/h.ts'))
  t.same([await body(), await body()], ['good', 'good'])
  t.equal(app.errorLog().match(/h\.ts/g)?.length, 1)
  writeFileSync(join(app.root, 'a/h.ts'), "\nimport { x } from './x.ts'\nexport const handler = () => `2 ${x}`\n")
  t.equal(await body(), '2 good')
  rmSync(join(app.root, 'a/x.ts'))
  t.same([await body(), await body()], ['2 good', '2 good'])
  t.equal(app.errorLog().match(/h\.ts:2;/g)?.length, 1, 'the line that imports it')
  writeFileSync(join(app.root, 'a/x.ts'), "export const x = 'back'\n")
  t.equal(await body(), '2 back')
})

t.test('production: a reload of server.ini looks at everything', async t => {
  const now = Date.now()
  const app = await site(t, { '.psoaccess': '', 'handler.ts': says('old') }, { now: () => now })
  t.equal((await app.inject('/')).body, 'old')
  writeFileSync(join(app.root, 'handler.ts'), says('new'))
  t.equal((await app.inject('/')).body, 'old')
  app.reload(readServerConfig({ file: join(app.root, '../conf/server.ini'), environment: process.env, cwd: app.root }))
  t.equal((await app.inject('/')).body, 'new')
})

t.test('an error is laid to the line that caused it, whatever of pso it went through', async t => {
  const app = await site(
    t,
    {
      session: {
        '.psoaccess': '',
        'handler.ts': 'export const handler = (req: any) => {\n  req.pso().session.save = 1\n}\n',
      },
      'a (b) ü': { '.psoaccess': '', 'handler.ts': "\n\nexport const handler = () => { throw new Error('x') }\n" },
      cjs: { '.psoaccess': 'PSOHandler = h.cjs', 'h.cjs': "\nexports.handler = () => { throw new Error('x') }\n" },
      async: {
        '.psoaccess': '',
        'handler.ts': "\nexport const handler = async () => {\n  await null\n  throw new Error('x')\n}\n",
      },
      text: { '.psoaccess': '', 'handler.ts': "\nthrow 'a text'\n" },
    },
    { development: true },
  )
  for (const [url, place] of [
    ['/session/', /session\/handler\.ts:2/],
    ['/a%20(b)%20%C3%BC/', /a \(b\) ü\/handler\.ts:3/],
    ['/cjs/', /h\.cjs:2/],
    ['/async/', /handler\.ts:4/],
    ['/text/', /text\/handler\.ts does not load: .*a text/],
  ] as const)
    t.match((await app.inject(url)).body, place, url)
})

t.test('common slips get a sentence that says what to write', async t => {
  const app = await site(
    t,
    { a: { '.psoaccess': '', 'handler.ts': '', 'shapes.ts': 'export type Shape = { a: 1 }\n' } },
    { development: true },
  )
  for (const [source, sentence] of [
    ["import { Request } from 'pso'\nexport const handler = (req: Request) => 'x'\n", /import (?:\{ )?type/],
    ["import { Shape } from './shapes.ts'\nexport const handler = (s: Shape) => 'x'\n", /import (?:\{ )?type/],
    ["import { x } from './shapes'\nexport const handler = x\n", /needs its extension/],
    ["import { NOPE } from 'pso'\nexport const handler = NOPE\n", /named &#39;NOPE&#39;, [^(]*:1</],
    ['enum Colour { Red }\nexport const handler = () => Colour.Red\n', /enum/i],
    [
      'class A { constructor(private a: number) {} }\nexport const handler = () => String(new A(1))\n',
      /parameter propert/i,
    ],
  ] as const) {
    writeFileSync(join(app.root, 'a/handler.ts'), source)
    const answer = await app.inject('/a/')
    t.equal(answer.statusCode, 500)
    t.match(answer.body, sentence)
    t.match(answer.body, /handler\.ts/)
  }
})

t.test('pso resolves from anywhere, also below a package.json of type commonjs', async t => {
  const app = await site(
    t,
    {
      'package.json': '{ "type": "commonjs" }',
      a: {
        '.psoaccess': '',
        'handler.ts':
          "import { OK } from 'pso'\nimport { n } from './n.ts'\nexport default (req: any) => { req.write('ok ' + n); return OK }\n",
        'n.ts': 'export const n = 1\n',
      },
    },
    { development: true },
  )
  t.equal((await app.inject('/a/')).body, 'ok 1')
})

t.test('.psoaccess made, edited and removed: the next request', async t => {
  const app = await site(t, { a: { b: { 'x.txt': 'x' } } }, { development: true })
  const header = async (): Promise<unknown> => (await app.inject('/a/b/x.txt')).headers['x-set']
  t.equal(await header(), undefined)
  for (let edit = 0; edit < 20; edit++) {
    writeFileSync(join(app.root, 'a/.psoaccess'), `Header = set X-Set v${edit % 10}\n`)
    t.equal(await header(), `v${edit % 10}`)
  }
  rmSync(join(app.root, 'a/.psoaccess'))
  t.equal(await header(), undefined)
  mkdirSync(join(app.root, 'a/.psoaccess'))
  t.equal((await app.inject('/a/b/x.txt')).statusCode, 500, 'a directory of that name is no file: closed')
})

t.test('production: .psoaccess made, edited and removed is seen a second later, without a watcher', async t => {
  let now = Date.now()
  const app = await site(t, { 'x.txt': 'x', a: { 'handler.ts': says('a') } }, { now: () => now })
  const seen = async (): Promise<unknown> => {
    now += 1001
    return [(await app.inject('/x.txt')).headers['x-set'], (await app.inject('/a/')).statusCode]
  }
  t.same(await seen(), [undefined, 403])
  writeFileSync(join(app.root, '.psoaccess'), 'Header = set X-Set 1\n')
  writeFileSync(join(app.root, 'a/.psoaccess'), '')
  t.same(await seen(), ['1', 200])
  writeFileSync(join(app.root, '.psoaccess'), 'Header = set X-Set 2\n')
  writeFileSync(join(app.root, 'a/.psoaccess'), 'Nonsense = 1\n')
  t.same(await seen(), ['2', 500])
  rmSync(join(app.root, '.psoaccess'))
  rmSync(join(app.root, 'a/.psoaccess'))
  t.same(await seen(), [undefined, 403])
})
