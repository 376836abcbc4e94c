import { spawn } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { counter, Jar, says, visit } from '../support/handlers.ts'
import { installed, node24, nodeHere, outside, pack, pathWith, run, versionOf } from '../support/packed.ts'
import { plant } from '../support/site.ts'

const serve = `import { createServer, ServerReturn } from 'pso'

const server = await createServer({ root: 'site', listen: '127.0.0.1:0', directives: { AccessLog: 'none' } })
const [url] = await server.listen()
const text = async (path: string) => (await fetch(url + path)).text()
Object.assign(globalThis, { ServerReturnOfTheProgram: ServerReturn })
console.log(await text('told/'), await text('classes/'), (await server.inject('/none')).statusCode)
await server.close()
`

const mount = `import Fastify from 'fastify'
import pso from 'pso'

const app = Fastify()
app.get('/legacy/api', () => 'the api')
await app.register(pso, { root: 'site', prefix: '/legacy', directives: { AccessLog: 'none' } })
console.log((await app.inject('/legacy/told/')).body, (await app.inject('/legacy/api')).body, (await app.inject('/')).statusCode)
await app.close()
`

const program = `#!/usr/bin/env -S pso cgi
import { OK, type Request, ServiceHandler } from 'pso'

export function handler (req: Request): number {
  req.pso().session.greeted = true
  req.write('hello world')
  return OK
}

if (import.meta.main) await new ServiceHandler(handler).run()
`

const shop = {
  site: {
    counter: { '.psoaccess': '', 'handler.ts': counter },
    told: { '.psoaccess': '', 'handler.ts': says('told') },
    version: { '.psoaccess': '', 'handler.ts': 'export const handler = (): string => process.version\n' },
    classes: {
      '.psoaccess': '',
      'handler.ts': `import { ServerReturn } from 'pso'
export const handler = (): string => String((globalThis as any).ServerReturnOfTheProgram === ServerReturn)\n`,
    },
    endless: { '.psoaccess': '', 'handler.ts': 'export function handler() {\n  for (;;) {}\n}\n' },
    slip: {
      '.psoaccess': '',
      'handler.ts': "import { Request } from 'pso'\nexport function handler (req: Request) {}\n",
    },
    program: {
      '.psoaccess': 'Options = ExecCGI\nAddHandler = cgi-script .cgi\nSetEnv = PSOServiceId MyPSOTest\n',
      'test.ts': program,
      'test.cgi': program,
    },
    thrower: {
      '.psoaccess': '',
      'handler.ts':
        "import { type Request } from 'pso'\n\nexport function handler (req: Request) {\n  req.status = 1\n}\n",
    },
  },
  'serve.ts': serve,
  'mount.ts': mount,
}

const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'esnext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noImplicitReturns: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  },
  include: ['types'],
}

const types = `import { createServer, type LibraryServer, OK, type PluginOptions, type Request, ServerReturn, type Session, pso } from 'pso'
import Fastify from 'fastify'
import plugin from 'pso'
declare module 'pso' { interface SessionData { visits?: number } }
export function handler (req: Request): number {
  const session: Session = req.pso().session
  session.visits = (session.visits ?? 0) + 1
  // @ts-expect-error: SessionData says that it is a number
  session.visits = 'x'
  // @ts-expect-error: there is no such member
  req.nope
  if (pso.OK !== OK) throw new ServerReturn(404)
  return OK
}
const options: PluginOptions = { root: 'site', directives: { Options: '+Indexes', PSOSessionIdle: 900 } }
await Fastify().register(plugin, { ...options, prefix: '/legacy' })
// @ts-expect-error: a root is a path
await Fastify().register(plugin, { root: 1 })
const server: LibraryServer = await createServer({ ...options, listen: '127.0.0.1:0' })
const [url]: string[] = await server.listen()
export const first: string | undefined = url
// @ts-expect-error: there is no such directive
await createServer({ directives: { Optoins: 'x' } })
`

const tarball = await pack(t)
const packageVersion = /-([^-]+)\.tgz$/.exec(basename(tarball))![1]!
t.comment(`the package has ${statSync(tarball).size} bytes`)

t.test('the package holds what runs and what is read, and nothing of this machine', async t => {
  const { out } = await run(['tar', 'tzf', tarball], '/')
  const files = out
    .trim()
    .split('\n')
    .map(line => line.replace('package/', ''))
  t.same(files.filter(file => !/^dist\/(?:server|directives|session)\/[\w/-]+\.(?:js|d\.ts)$/.test(file)).sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'directives/generated/REFERENCE.md',
    'directives/generated/editor-hints.json',
    'package.json',
    'server/api/HANDLERS.md',
    'server/bin/pso',
    'server/cli.cjs',
    'server/compile-cache.cjs',
    'session/SESSIONS.md',
  ])
  for (const file of ['dist/server/door.js', 'dist/server/door.d.ts', 'dist/server/cli.js'])
    t.ok(files.includes(file), file)
  const unpacked = outside(t)
  await run(['tar', 'xzf', tarball], unpacked)
  const found = await run(['grep', '-rlF', '-e', process.cwd(), '-e', '/home/', '-e', '/root/', 'package'], unpacked)
  t.equal(found.out, '')
})

t.test('installed in an empty project', async t => {
  const top = await installed(t, [tarball, ...['typescript', '@types/node'].map(name => `${name}@${versionOf(name)}`)])
  plant(top, { ...shop, types: { 'all.ts': types }, 'tsconfig.json': JSON.stringify(tsconfig) })
  chmodSync(join(top, 'site/program/test.cgi'), 0o755)

  t.test('its types, with all that they are made of', async t => {
    const { out, errors } = await run(['npx', 'tsc'], top)
    t.equal(out + errors, '')
  })

  t.test(`on Node ${process.versions.node}`, async t => works(t, top, nodeHere))

  t.test('on Node 24', async t => {
    const node = await node24(t)
    if (node !== undefined) await works(t, top, node)
  })
})

async function works(t: Test, top: string, node: string): Promise<void> {
  const path = pathWith(t, node)
  const version = (await run(['node', '--version'], top, path)).out.trim()

  t.match(await run(['npx', 'pso', '--version'], top, path), { code: 0, out: `${packageVersion}\n`, errors: '' })
  t.match(await run(['npx', 'pso', 'check', '--root', 'site'], top, path), { code: 0, out: 'no mistakes found\n' })
  t.match((await run(['npx', 'pso', 'directives', 'PSOServiceId'], top, path)).out, 'PSOServiceId')
  t.match(await run(['node', 'serve.ts'], top, path), { code: 0, out: 'told true 404\n', errors: '' })
  t.match(await run(['node', 'mount.ts'], top, path), { code: 0, out: 'told the api 404\n', errors: '' })

  const greets = { code: 0, out: /^Set-Cookie: MyPSOTest=.*\n\nhello world$/s, errors: '' }
  const env = ['env', 'PSOServiceId=MyPSOTest']
  t.match(await run([...env, 'npx', 'pso', 'cgi', 'site/program/test.ts'], top, path), greets)
  t.match(await run([...env, 'node', 'site/program/test.ts'], top, path), greets)

  for (const mode of [['--production', '--workers', '2'], ['--dev']])
    await t.test(`pso serve ${mode.join(' ')}`, async t => {
      const command = join(top, 'node_modules/.bin/pso')
      const words = [
        '-u',
        'NODE_OPTIONS',
        `PATH=${path}`,
        command,
        'serve',
        '--root',
        'site',
        '--listen',
        '127.0.0.1:0',
        ...mode,
      ]
      const child = spawn('env', words, { cwd: top })
      const ended = new Promise(resolve => child.once('close', resolve))
      t.teardown(async () => {
        child.kill('SIGKILL')
        await ended
      })
      let errors = ''
      child.stderr.on('data', chunk => (errors += chunk))
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout.on('data', chunk => resolve(/http:\S+\//.exec(String(chunk))![0]))
        ended.then(() => reject(new Error(`pso serve ended: ${errors}`)))
      })
      t.equal(await (await fetch(`${url}version/`)).text(), version)
      const ran = await fetch(`${url}program/test.cgi`)
      t.match(
        [ran.status, await ran.text(), ran.headers.get('set-cookie')],
        [200, 'hello world', /^MyPSOTest=/],
        errors,
      )
      const jar = new Jar()
      for (const round of [1, 2]) {
        const response = await fetch(`${url}counter/`, { headers: jar.headers })
        jar.take({ 'set-cookie': response.headers.getSetCookie() })
        t.equal(visit(await response.text()), round)
      }
      for (const [slip, told] of [
        ['slip', /Request is a type: write import type \{ Request \} from 'pso'/],
        ['thrower', /expected an HTTP status from 200 to 599, got 1, \S+\/thrower\/handler\.ts:4/],
      ] as const) {
        const response = await fetch(`${url}${slip}/`)
        t.equal(response.status, 500)
        if (mode[0] === '--dev') t.match((await response.text()).replaceAll('&#39;', "'"), told)
      }
      const endless = await fetch(`${url}endless/`)
      t.equal(endless.status, 503)
      if (mode[0] === '--dev') t.match(await endless.text(), /a loop without an end\?.*endless\/handler\.ts:2/s)
      t.equal(await (await fetch(`${url}version/`)).text(), version, 'it goes on')
      child.kill('SIGTERM')
      t.equal(await ended, 0)
    })
}
