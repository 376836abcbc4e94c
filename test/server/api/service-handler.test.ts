import { linkSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ServiceHandler } from '../../../server/door.ts'
import { apacheVariables, plantSite, psoCgi, runProgram } from '../../support/program.ts'
import { project } from '../../support/project.ts'
import { site } from '../../support/site.ts'

const source = (main: string): string => `import { CookieFileImpl, OK, type Request, ServiceHandler } from 'pso'

export class MyImpl extends CookieFileImpl { PATH = 'mine' }

export function testHandler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  req.write(\`visit \${session.visits} of \${import.meta.main}\`)
  return OK
}
export { testHandler as handler }

${main}
`

const guarded = source('if (import.meta.main) await new ServiceHandler(testHandler).run()\nconsole.error("imported")')

/** A package that has pso installed, with a site in it. */
function installed(t: Test, main: string, more: Record<string, string> = {}): string {
  const top = plantSite(t, { shop: { 'test.ts': main, ...more }, 'package.json': '{ "type": "module" }' })
  mkdirSync(join(top, 'node_modules'))
  symlinkSync(project, join(top, 'node_modules/pso'))
  return join(top, 'public_html/shop/test.ts')
}

t.test('under plain node a file runs its own handler, and counts', async t => {
  const file = installed(t, guarded)
  const env = apacheVariables('/shop/test.ts', '/shop/test.ts')
  const first = await runProgram(t, [file], { env })
  t.same([first.exit, first.body, first.errors], [0, 'visit 1 of true', ''])
  const cookie = /^Set-Cookie: (localhost\.shop\.test=[^;]+)/.exec(first.head[0]!)![1]!
  const second = await runProgram(t, [file], { env: { ...env, HTTP_COOKIE: cookie } })
  t.equal(second.body, 'visit 2 of true')
})

t.test('an error there is 500 and exit 1 too, also one that the file makes before it runs', async t => {
  const file = installed(
    t,
    source('if (import.meta.main) await new ServiceHandler(() => { throw new Error("boom") }).run()'),
  )
  const { exit, head, errors } = await runProgram(t, [file])
  t.same([exit, head[0]], [1, 'Status: 500 Internal Server Error'])
  t.match(errors, /boom, .*test\.ts:/)
  const never = installed(
    t,
    source('if (import.meta.main) await new ServiceHandler(() => new Promise(() => {})).run()'),
  )
  t.same((await runProgram(t, [never])).exit, 1)
})

t.test('a class in the second place is the session’s implementation; a fixup that a line names goes first', async t => {
  const main = source('if (import.meta.main) await new ServiceHandler(testHandler, MyImpl).run()')
  const file = installed(t, main)
  t.equal((await runProgram(t, [file])).body, 'visit 1 of true')
  t.same(readdirSync(join(file, '../../../.pso')).includes('mine'), true)
  const own = installed(t, main, {
    '.psoaccess': 'PSOFixupHandler = own.ts',
    'own.ts':
      'import { pso, type Request } from "pso"\nexport const fixup = (req: Request) => pso.fixup(req, undefined, { PSOServiceId: "Own" })',
  })
  t.match((await runProgram(t, [own])).head[0], /^Set-Cookie: Own=/)
})

t.test('what a line names of the running file is another module: nothing waits for itself', async t => {
  const main = `${guarded}\nexport const fixup = (req: Request) => { console.error('own fixup'); return OK }\nexport const cleanup = () => console.error(import.meta.main)`
  const file = installed(
    t,
    main.replace('await new ServiceHandler(testHandler)', 'await new ServiceHandler(req => { req.write("x") })'),
    {
      '.psoaccess': 'PSOFixupHandler = test.ts\nPSOCleanupHandler = test.ts',
    },
  )
  const { exit, body, errors } = await runProgram(t, [file])
  t.same([exit, body], [0, 'x'])
  t.match(errors, /own fixup[\s\S]*false/)
})

t.test('imported by pso cgi or by a server it is not run twice', async t => {
  const file = installed(t, guarded)
  linkSync(file, join(file, '../test.cgi'))
  const { exit, body, errors } = await runProgram(t, [...psoCgi(), join(file, '../test.cgi')])
  t.same([exit, body, errors], [0, 'visit 1 of false', 'imported\n'])
  const app = await site(t, { '.psoaccess': 'PSOHandler = test.ts', 'test.ts': guarded.replace(/console.*/, '') })
  t.equal((await app.inject('/')).body, 'visit 1 of false')
})

t.test('without the guard it is an error that says what to write, and neither server nor program ends', async t => {
  const unguarded = source('await new ServiceHandler(testHandler).run()')
  const app = await site(t, { '.psoaccess': 'PSOHandler = test.ts', 'test.ts': unguarded })
  t.equal((await app.inject('/')).statusCode, 500)
  t.match(app.errorLog(), 'if (import.meta.main) await new ServiceHandler(handler).run()')
  const { exit, head, errors } = await runProgram(t, [...psoCgi(), installed(t, unguarded)])
  t.same([exit, head[0]], [1, 'Status: 500 Internal Server Error'])
  t.match(errors, 'if (import.meta.main)')
})

t.test('a program answers one request: another run() is an error', async t => {
  const file = installed(
    t,
    source(`const service = new ServiceHandler(() => 'once')
void service.run()
await new ServiceHandler(testHandler).run().catch(error => console.error(error.message))`),
  )
  const { exit, body, errors } = await runProgram(t, [file])
  t.same([exit, body], [0, 'once'])
  t.match(errors, /run\(\) was called before: a program answers one request/)
})

t.test('what is no function is no handler', async t => {
  t.throws(() => new ServiceHandler('handler' as never), { message: 'expected a handler function, got string' })
})
