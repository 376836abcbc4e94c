import { linkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { does, says } from '../../support/handlers.ts'
import { makeExecutable, plantPso, plantSite, psoCgi, runProgram } from '../../support/program.ts'
import { plant } from '../../support/site.ts'

/** The how-to's test handler, which writes to its session so that there is a cookie. */
const testHandler = `#!/usr/bin/env -S pso cgi
import { OK, type Request } from 'pso'

export function handler(req: Request) {
  req.pso().session.greeted = true
  req.write('hello world\\n')
  return OK
}
`

t.test(
  'check 35: from a shell, a cookie line, a content type line, a blank line, the body; a fresh id each run',
  async t => {
    const top = plantSite(t, { psotest: { 'test.cgi': testHandler } })
    const ids = new Set<string>()
    for (const _run of [1, 2]) {
      const { exit, head, body, errors } = await runProgram(t, [...psoCgi(), join(top, 'public_html/psotest/test.cgi')])
      t.same([exit, body, errors], [0, 'hello world\n', ''])
      t.equal(head.length, 2)
      t.match(head[0], /^Set-Cookie: localhost\.psotest\.test=[\w-]{27}; Path=\/; HttpOnly; SameSite=Lax$/)
      t.equal(head[1], 'Content-Type: text/html; charset=utf-8')
      ids.add(head[0]!)
    }
    t.equal(ids.size, 2)
  },
)

t.test('a file is run by its first line, whatever it is called, linked hard or symbolically', async t => {
  const top = plantSite(t, { psotest: { 'testHandler.ts': testHandler, 'package.json': '{ "type": "commonjs" }' } })
  const directory = join(top, 'public_html/psotest')
  const file = join(directory, 'testHandler.ts')
  makeExecutable(file)
  linkSync(file, join(directory, 'test.cgi'))
  linkSync(file, join(directory, 'test'))
  linkSync(file, join(directory, 'a test.v2'))
  symlinkSync('testHandler.ts', join(directory, 'link.cgi'))
  plantPso(join(top, 'bin'))
  const env = { PATH: `${join(top, 'bin')}:${process.env['PATH']}` }
  for (const name of ['testHandler.ts', 'test.cgi', 'test', 'a test.v2', 'link.cgi']) {
    const { exit, body, errors } = await runProgram(t, [`./${name}`], { under: [], env, cwd: directory })
    t.same([exit, body, errors], [0, 'hello world\n', ''], name)
  }
})

t.test('what follows FILE is a query’s, and no option', async t => {
  const top = plantSite(t, { 'test.ts': does('throw new Error("boom")') })
  const { exit, body } = await runProgram(t, [
    ...psoCgi(),
    join(top, 'public_html/test.ts'),
    '--dev',
    'word',
    '--nonsense',
  ])
  t.equal(exit, 1)
  t.notMatch(body, 'boom')
})

t.test('a command that cannot be meant is 2, and prints no page', async t => {
  for (const [options, message] of [
    [[], /expected a FILE/],
    [['--dev'], /expected a FILE/],
    [['--dev', '--production', 'test.ts'], /expected one of --dev and --production/],
    [['--listen', 'test.ts'], /Unknown option '--listen'/],
  ] as [string[], RegExp][]) {
    const { exit, head, errors } = await runProgram(t, psoCgi(...options))
    t.same([exit, head], [2, []], options.join(' '))
    t.match(errors, message)
  }
})

t.test('neither Fastify nor chokidar is loaded on this way', async t => {
  const top = plantSite(t, { 'test.ts': says('page') })
  const loads = join(top, 'loads.mjs')
  plant(top, {
    'loads.mjs': `import { registerHooks } from 'node:module'
registerHooks({ load (url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`,
  })
  const { body, errors } = await runProgram(t, ['--import', loads, ...psoCgi(), join(top, 'public_html/test.ts')])
  t.equal(body, 'page')
  t.match(errors, /run-as-program\.ts/)
  t.notMatch(errors, /node_modules\/(?:fastify|chokidar|@fastify\/busboy)\//)
})
