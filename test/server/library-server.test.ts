import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type CreateServerOptions, createServer } from '../../server/door.ts'
import { counter, does, Jar, visit } from '../support/handlers.ts'
import { plant, type Tree } from '../support/site.ts'

function project(t: Test, tree: Tree): string {
  const top = mkdtempSync(join(tmpdir(), 'pso-test-'))
  t.teardown(() => rmSync(top, { recursive: true, force: true }))
  plant(top, tree)
  return top
}

/** Options for a site below `top`, which keeps all of its own there. */
const optionsFor = (top: string, more: CreateServerOptions = {}): CreateServerOptions => ({
  root: join(top, 'public_html'),
  listen: '127.0.0.1:0',
  ...more,
  directives: { StateDirectory: join(top, '.pso'), AccessLog: 'none', ErrorLog: 'error.log', ...more.directives },
})

t.test('a program serves a document root', async t => {
  const top = project(t, { public_html: { 'a.txt': 'a', c: { '.psoaccess': '', 'handler.ts': counter } } })
  const server = await createServer(optionsFor(top))
  t.teardown(() => server.close())
  const [url] = await server.listen()
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  t.equal(await (await fetch(`${url}a.txt`)).text(), 'a')
  const jar = new Jar()
  for (const round of [1, 2]) {
    const { headers, body } = await server.inject({ url: '/c/', headers: jar.headers })
    jar.take(headers)
    t.equal(visit(body), round)
  }
})

t.test('server.ini says what the options leave open, and reload reads it again', async t => {
  const top = project(t, {
    conf: { 'server.ini': 'Header = set X-From ini\nOptions = Indexes\nWorkers = 4\nPSOSessionLoader = memory:' },
    public_html: { 'a.txt': 'a' },
    other: { 'b.txt': 'b' },
  })
  const config = join(top, 'conf/server.ini')
  const server = await createServer({ config, directives: { Options: 'None', AccessLog: 'none', ErrorLog: 'none' } })
  t.teardown(() => server.close())
  t.match(await server.inject('/a.txt'), { body: 'a', headers: { 'x-from': 'ini' } })
  t.equal((await server.inject('/')).statusCode, 403, 'the options stand in place of its lines')
  plant(top, { conf: { 'server.ini': 'DocumentRoot = other' } })
  server.reload()
  t.equal((await server.inject('/b.txt')).body, 'b')
  plant(top, { conf: { 'server.ini': 'Nonsense = 1' } })
  t.throws(() => server.reload(), { message: /server\.ini:1: Nonsense: unknown directive/ })
  t.equal((await server.inject('/b.txt')).body, 'b')
})

t.test('directives: texts, numbers, flags and lists of lines', async t => {
  const top = project(t, {
    public_html: { 'handler.ts': does("return req.pso().getEnviron('A') + req.options.b"), '.psoaccess': '' },
  })
  const server = await createServer(
    optionsFor(top, {
      directives: { SetEnv: 'A "a b"', PSOOption: ['b 1', 'c 2'], LimitRequestBody: 3, PSOSessionReadOnly: true },
    }),
  )
  t.teardown(() => server.close())
  t.equal((await server.inject('/')).body, 'a b1')
  t.equal((await server.inject({ method: 'POST', url: '/', payload: 'four' })).statusCode, 413)
})

t.test('what cannot be served is an error for people', async t => {
  const top = project(t, { public_html: {} })
  await t.rejects(createServer({ root: join(top, 'none') }), { message: /DocumentRoot: expected a directory/ })
  await t.rejects(createServer(optionsFor(top, { directives: { PSOSessionIdle: 'soon' } })), {
    message: /^\(options\):\d+: PSOSessionIdle: expected .* got "soon"/,
  })
})

t.test('in development, and only then, a page says what is wrong', async t => {
  const top = project(t, { public_html: { '.psoaccess': '', 'handler.ts': does("throw new Error('the reason')") } })
  for (const development of [true, false]) {
    const server = await createServer(optionsFor(top, { development }))
    t.equal((await server.inject('/')).body.includes('the reason'), development)
    await server.close()
  }
})

t.test('who imports the package and serves nothing does not load a server', async t => {
  const door = JSON.stringify(join(import.meta.dirname, '../../server/door.ts'))
  const program = `import { registerHooks } from 'node:module'
const loaded = []
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
const { ServiceHandler, default: pso, createServer } = await import(${door})
console.log(typeof ServiceHandler, typeof pso, typeof createServer, loaded.filter(url => /fastify|chokidar/.test(url)).length)`
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  t.equal(told.trim(), 'function function function 0')
})
