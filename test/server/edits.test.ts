import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
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

t.test('common slips get a sentence that says what to write', async t => {
  const app = await site(
    t,
    { a: { '.psoaccess': '', 'handler.ts': '', 'shapes.ts': 'export type Shape = { a: 1 }\n' } },
    { development: true },
  )
  for (const [source, sentence] of [
    ["import { Request } from 'pso'\nexport const handler = (req: Request) => 'x'\n", /import (?:\{ )?type/],
    ["import { Shape } from './shapes.ts'\nexport const handler = (s: Shape) => 'x'\n", /import (?:\{ )?type/],
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
  const { rmSync } = await import('node:fs')
  for (let edit = 0; edit < 20; edit++) {
    writeFileSync(join(app.root, 'a/.psoaccess'), `Header = set X-Set v${edit % 10}\n`)
    t.equal(await header(), `v${edit % 10}`)
  }
  rmSync(join(app.root, 'a/.psoaccess'))
  t.equal(await header(), undefined)
  mkdirSync(join(app.root, 'a/.psoaccess'))
  t.equal((await app.inject('/a/b/x.txt')).statusCode, 500, 'a directory of that name is no file: closed')
})
