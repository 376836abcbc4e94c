import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { counter, does, says } from '../../support/handlers.ts'
import { isAlive } from '../../support/processes.ts'
import { cli } from '../../support/project.ts'
import { startPso } from '../../support/pso-process.ts'
import { plant, type Tree } from '../../support/site.ts'
import { until } from '../../support/until.ts'
import { dial, head } from '../../support/wire.ts'

/** A site on disk: its server.ini and the directory that holds all of it. */
function planted(t: Test, tree: Tree, ini = ''): { config: string; top: string } {
  const top = t.testdir({})
  plant(join(top, 'conf'), { 'server.ini': `Listen = 127.0.0.1:0\nErrorLog = error.log\n${ini}` })
  plant(join(top, 'public_html'), tree)

  return { config: join(top, 'conf', 'server.ini'), top }
}

const text = async (url: string): Promise<string> => (await fetch(url)).text()

/** Sleeps for the milliseconds that the query says, once it has left a mark beside the document root; answers its process id. */
const sleeps = does(
  `const { writeFileSync } = await import('node:fs')
  if (req.args) {
    writeFileSync(req.documentRoot() + '/../begun', '')
    await new Promise(resolve => setTimeout(resolve, Number(req.args)))
  }
  return String(process.pid)`,
)
const begun = (top: string): Promise<void> => until(() => existsSync(join(top, 'begun')))

t.test('it says where it serves when it is ready, and SIGTERM ends it with 0 after what is in flight', async t => {
  for (const mode of [['--dev'], ['--production', '--workers', '1'], ['--production', '--workers', '2']]) {
    const { config, top } = planted(t, { '.psoaccess': '', 'handler.ts': sleeps })
    const pso = startPso(t, ['serve', '--config', config, ...mode])
    const url = await pso.url
    t.match(await text(`${url}/`), /^\d+$/)
    const slow = text(`${url}/?300`)
    await begun(top)
    pso.child.kill('SIGTERM')
    t.match(await slow, /^\d+$/, `${mode}: what was in flight is finished`)
    t.equal(await pso.ended, 0, mode.join(' '))
    t.equal(pso.out().trim().split('\n').length, 1, 'one line')
  }
})

t.test(
  'a signal that several tell at once, as a terminal does, is one signal; told again later it ends at once',
  async t => {
    for (const mode of [['--dev'], ['--production', '--workers', '2']]) {
      const { config, top } = planted(t, { '.psoaccess': '', 'handler.ts': sleeps })
      const pso = startPso(t, ['serve', '--config', config, ...mode])
      const url = await pso.url
      const slow = text(`${url}/?600`)
      await begun(top)
      const pid = Number(await text(`${url}/`))
      pso.child.kill('SIGINT')
      process.kill(pid, 'SIGINT')
      pso.child.kill('SIGINT')
      t.match(await slow, /^\d+$/, `${mode}: what was in flight is finished`)
      t.equal(await pso.ended, 0, mode.join(' '))
    }
    const { config, top } = planted(t, { '.psoaccess': '', 'handler.ts': sleeps })
    const pso = startPso(t, ['serve', '--config', config, '--dev'])
    const hopeless = t.rejects(text(`${await pso.url}/?60000`))
    await begun(top)
    pso.child.kill('SIGTERM')
    await new Promise(resolve => setTimeout(resolve, 700))
    pso.child.kill('SIGTERM')
    t.equal(await pso.ended, 1)
    await hopeless
  },
)

t.test('no client keeps a server from stopping: a silent one, half a request, one that takes nothing', async t => {
  const { config, top } = planted(t, { 'a.txt': 'a' }, 'Timeout = 2\n')
  writeFileSync(join(top, 'public_html', 'large.bin'), Buffer.alloc(30_000_000))
  for (const sent of ['', 'GET / HT', head('GET /large.bin')]) {
    const pso = startPso(t, ['serve', '--config', config, '--production', '--workers', '1'])
    const socket = dial(await pso.url, sent)
    socket.pause()
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    await new Promise(resolve => setTimeout(resolve, 200))
    pso.child.kill('SIGTERM')
    t.equal(await pso.ended, 0, JSON.stringify(sent))
  }
})

t.test('all workers serve, on each address; when the primary is gone they stop', async t => {
  const { config } = planted(
    t,
    { '.psoaccess': '', 'handler.ts': does('return `${process.pid} ${process.ppid}`') },
    'Listen = 127.0.0.1:0\n',
  )
  const pso = startPso(t, ['serve', '--production', '--workers', '2', '--config', config])
  await pso.url
  const urls = pso.out().match(/http:\S+/g)!
  t.equal(urls.length, 2)
  const seen = urls.map(() => new Set<number>())
  await until(async () => {
    for (const [index, url] of urls.entries()) {
      const answer = await fetch(url, { headers: { connection: 'close' } })
      const [pid, parent] = (await answer.text()).split(' ').map(Number)
      t.equal(parent, pso.child.pid)
      seen[index]!.add(pid!)
    }
    return seen.every(pids => pids.size === 2)
  })
  t.same(seen[0], seen[1])
  t.equal(pso.errors(), '')
  pso.child.kill('SIGKILL')
  await until(() => [...seen[0]!].every(pid => !isAlive(pid)))
})

t.test('a worker that dies is replaced, and the log says how it ended', async t => {
  const { config, top } = planted(t, {
    '.psoaccess': '',
    'handler.ts': does('if (req.args === "die") process.kill(process.pid, "SIGKILL"); return String(process.pid)'),
  })
  const pso = startPso(t, ['serve', '--production', '--workers', '1', '--config', config])
  const url = await pso.url
  const first = await text(`${url}/`)
  await t.rejects(fetch(`${url}/?die`))
  let second = ''
  await until(async () => {
    second = await text(`${url}/`).catch(() => '')
    return second !== ''
  })
  t.not(second, first)
  t.match(readFileSync(join(top, '.pso', 'error.log'), 'utf8'), new RegExp(`worker ${first} ended by SIGKILL`))
})

t.test('nobody waits for a worker that died with a connection in its hands', async t => {
  const { config } = planted(t, {
    '.psoaccess': '',
    'handler.ts': does('if (req.args === "die") process.kill(process.pid, "SIGKILL"); return "alive"'),
  })
  const pso = startPso(t, ['serve', '--production', '--workers', '2', '--config', config])
  const url = await pso.url
  const ask = (path: string): Promise<string> =>
    fetch(url + path, { headers: { connection: 'close' }, signal: AbortSignal.timeout(20_000) })
      .then(answer => answer.text())
      .catch(error => error.name)
  let stopped = false
  const clients = Array.from({ length: 8 }, async () => {
    const told = new Set<string>()
    while (!stopped) told.add(await ask('/'))
    return told
  })
  for (let death = 0; death < 4; death++) {
    await until(async () => (await ask('/')) === 'alive')
    await ask('/?die')
  }
  stopped = true
  for (const told of await Promise.all(clients)) t.notOk(told.has('TimeoutError'))
})

t.test('process.exit in a handler is its own 500; a stray error is logged; the others go on', async t => {
  const { config, top } = planted(t, {
    exit: { '.psoaccess': '', 'handler.ts': does('process.exit(3)') },
    stray: {
      '.psoaccess': '',
      'handler.ts': does('setTimeout(() => { throw new Error("stray one") }, 1); return "answered"'),
    },
    never: {
      '.psoaccess': '',
      'handler.ts': does('setTimeout(() => { throw new Error("never settles") }, 1); await new Promise(() => {})'),
    },
    fine: { '.psoaccess': '', 'handler.ts': says('fine') },
  })
  const pso = startPso(t, ['serve', '--production', '--workers', '1', '--config', config])
  const url = await pso.url
  t.equal((await fetch(`${url}/exit/`)).status, 500)
  t.equal(await text(`${url}/stray/`), 'answered')
  t.equal((await fetch(`${url}/never/`)).status, 500)
  t.equal(await text(`${url}/fine/`), 'fine')
  const log = (): string => readFileSync(join(top, '.pso', 'error.log'), 'utf8')
  await until(() => log().includes('stray one'))
  t.match(log(), /process\.exit\(3\) was called.*exit.handler/)
  t.match(log(), /never settles/)
})

t.test('a wrong configuration stops the start with 2, a missing --config too; a taken address with 1', async t => {
  const { config, top } = planted(t, {}, 'Nonsense = 1\nDirectorySlash = maybe\n')
  const wrong = startPso(t, ['serve', '--config', config, '--production'])
  t.equal(await wrong.ended, 2)
  t.match(wrong.errors(), /server\.ini:3: Nonsense: unknown directive/)
  t.match(wrong.errors(), /server\.ini:4: DirectorySlash: expected/)
  const { config: whole } = planted(t, {}, 'PSOSessionLoader = memory:\n')
  const several = startPso(t, ['serve', '--config', whole, '--production', '--workers', '2'])
  t.equal(await several.ended, 2)
  t.match(several.errors(), /server\.ini:3: PSOSessionLoader: expected file: with 2 workers/)
  const missing = startPso(t, ['serve', '--config', join(config, 'none')])
  t.equal(await missing.ended, 2)
  for (const root of [config, join(top, 'none')]) {
    const nothing = startPso(t, ['serve', '--dev', '--root', root, '--config', planted(t, {}).config])
    t.equal(await nothing.ended, 2)
    t.match(nothing.errors(), `DocumentRoot: expected a directory, got "${root}"`)
  }
  const bare = t.testdir({ empty: {} })
  const rootless = startPso(t, ['serve', '--dev'], { cwd: join(bare, 'empty') })
  t.equal(await rootless.ended, 2)
  t.match(rootless.errors(), /public_html: expected a directory to serve \(DocumentRoot, --root\)/)
  const both = startPso(t, ['serve', '--dev', '--production'])
  t.equal(await both.ended, 2)
  t.match(both.errors(), /expected one of --dev and --production/)
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  for (const mode of ['--dev', '--production']) {
    const late = startPso(t, ['serve', mode, '--listen', `127.0.0.1:${port}`, '--config', planted(t, {}).config])
    t.equal(await late.ended, 1, mode)
    t.match(late.errors(), /is taken/)
  }
  taken.close()
})

t.test('SIGHUP takes a new server.ini, and keeps the old one where the new one is wrong', async t => {
  for (const workers of ['1', '2']) {
    const { config, top } = planted(t, { 'a.txt': 'a' })
    const pso = startPso(t, ['serve', '--production', '--workers', workers, '--config', config])
    const url = await pso.url
    const header = async (): Promise<string | null> => (await fetch(`${url}/a.txt`)).headers.get('x-new')
    t.equal(await header(), null)
    writeFileSync(config, 'Listen = 127.0.0.1:0\nErrorLog = error.log\nHeader = set X-New yes\n')
    pso.child.kill('SIGHUP')
    await until(async () => (await header()) === 'yes')
    writeFileSync(config, 'Nonsense = 1\n')
    pso.child.kill('SIGHUP')
    const log = join(top, '.pso', 'error.log')
    await until(() => existsSync(log) && /Nonsense/.test(readFileSync(log, 'utf8')))
    await until(async () => (await header()) === 'yes')
    t.equal(await text(`${url}/a.txt`), 'a')
  }
})

t.test('a server.ini that was not there at the start is taken by SIGHUP', async t => {
  const top = t.testdir({ public_html: { 'a.txt': 'a' } })
  const pso = startPso(t, ['serve', '--production', '--workers', '1', '--listen', '127.0.0.1:0'], { cwd: top })
  const url = await pso.url
  const header = async (): Promise<string | null> => (await fetch(`${url}/a.txt`)).headers.get('x-new')
  t.equal(await header(), null)
  plant(join(top, 'conf'), { 'server.ini': 'Header = set X-New yes\n' })
  pso.child.kill('SIGHUP')
  await until(async () => (await header()) === 'yes')
})

t.test('check: every mistake of every file, and 1; none, and 0', async t => {
  const { config } = planted(t, {
    a: { '.psoaccess': '\nOptions = Nonsense\n' },
    b: { '.psoaccess': 'PSOSesionExpire = 1\nPSOSessionExpire = soon\n' },
  })
  const check = startPso(t, ['check', '--config', config])
  t.equal(await check.ended, 1)
  t.match(check.out(), /a\/\.psoaccess:2: Options: /)
  t.match(check.out(), /b\/\.psoaccess:1: PSOSesionExpire: unknown directive \(did you mean PSOSessionExpire\?\)/)
  t.match(check.out(), /b\/\.psoaccess:2: PSOSessionExpire: expected/)
  const fine = startPso(t, ['check', '--config', planted(t, { a: { '.psoaccess': '' } }).config])
  t.equal(await fine.ended, 0)
})

t.test('explain: what answers, and each directive with its place and what it overrode', async t => {
  const { config } = planted(t, {
    '.psoaccess': 'PSOSessionExpire = 60\n',
    shop: { '.psoaccess': '\nPSOSessionExpire = 15*60\n', 'handler.ts': counter },
  })
  const explain = startPso(t, ['explain', '/shop/cart', '--config', config])
  t.equal(await explain.ended, 0)
  t.match(explain.out(), /\/shop\/cart: .*handler\.ts.*"\/cart"/)
  t.match(explain.out(), /PSOSessionExpire = 900 .*shop\/\.psoaccess:2/)
  t.match(explain.out(), /over 60 .*public_html\/\.psoaccess:1/)
})

t.test('directives: the reference of one; an unknown one and an unknown command name the nearest', async t => {
  const one = startPso(t, ['directives', 'psosessionexpire'])
  t.equal(await one.ended, 0)
  t.match(one.out(), /PSOSessionExpire = SECONDS/)
  const unknown = startPso(t, ['directives', 'PSOSesionExpire'])
  t.equal(await unknown.ended, 1)
  t.match(unknown.errors(), /did you mean PSOSessionExpire/)
  const command = startPso(t, ['sreve'])
  t.equal(await command.ended, 2)
  t.match(command.errors(), /did you mean serve/)
})

t.test(
  'each command says that standard output takes no more, and ends with 1; to a reader who has seen enough it is quiet',
  async t => {
    const { config, top } = planted(t, { '.psoaccess': '', 'handler.ts': counter })
    const commands = [
      ['directives'],
      ['--help'],
      ['check', '--config', config],
      ['explain', '/', '--config', config],
      ['sessions', 'list', '--config', config],
      ['cgi', join(top, 'public_html/handler.ts')],
    ]
    const full = openSync('/dev/full', 'w')
    t.teardown(() => closeSync(full))
    for (const args of commands) {
      const { status, stderr } = spawnSync(process.execPath, [cli, ...args], {
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      })
      t.same([status, stderr], [1, 'pso: standard output: ENOSPC: no space left on device, write\n'], args.join(' '))
      const { child, ended, errors } = startPso(t, args)
      child.stdout!.destroy()
      await ended
      t.equal(errors(), '', args.join(' '))
    }
  },
)
