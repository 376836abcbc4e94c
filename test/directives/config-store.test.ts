import { spawnSync } from 'node:child_process'
import { mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import {
  type ConfigStore,
  createConfigStore,
  DirectivesError,
  formatProblem,
  type Merged,
  readServerConfig,
  withDirectives,
} from '../../directives/index.ts'
import { MAX_BYTES } from '../../directives/read-lines.ts'

type Tree = NonNullable<Parameters<Test['testdir']>[0]>

function site(t: Test, tree: Tree, { recheckMs = 0, ini = '' } = {}) {
  const top = realpathSync(t.testdir({ conf: { 'server.ini': ini }, public_html: tree }))
  const server = readServerConfig({ file: 'conf/server.ini', environment: {}, cwd: top })
  let time = 1_000_000
  const store: ConfigStore = createConfigStore(server, { now: () => time, recheckMs })
  const root = server.documentRoot
  return {
    top,
    root,
    server,
    store,
    at: (path: string, name?: string): Merged =>
      store.configOf({ directory: join(root, path), name, path: `/${path}${name === undefined ? '' : `/${name}`}` }),
    idAt(path: string, name?: string) {
      return this.at(path, name).directives.PSOServiceId
    },
    write: (path: string, text: string) => writeFileSync(join(root, path), text),
    /** The times of a file that was written long ago. */
    age: (path: string) => utimesSync(join(root, path), 1, 1),
    pass: (ms: number) => {
      time += ms
    },
  }
}
const id = (name: string): string => `PSOServiceId = ${name}\n`
const problems = (merged: Merged): string[] => merged.problems.map(formatProblem)

t.test('the same object comes back as long as nothing changes', async t => {
  const s = site(t, { '.psoaccess': `${id('a')}[Files *.html]\n${id('html')}`, shop: {} })
  const [directory, page, text] = [s.at('shop'), s.at('shop', 'a.html'), s.at('shop', 'a.txt')]
  t.equal(s.at('shop'), directory)
  t.equal(s.at('shop', 'b.html'), page, 'for the same sections')
  t.equal(text, directory)
  t.not(page, directory)
  s.write('.psoaccess', `${id('a')}[Files *.html]\n${id('html')}`)
  t.equal(s.at('shop', 'a.html'), page, 'also when the file is written again as it was')
})

t.test('in development every edit is seen at once: created, edited, removed, and in a parent', async t => {
  const s = site(t, { shop: { deep: {} } })
  t.equal(s.idAt('shop/deep'), undefined)
  s.write('.psoaccess', id('root'))
  t.equal(s.idAt('shop/deep'), 'root')
  s.write('.psoaccess', id('ROOT'))
  t.equal(s.idAt('shop/deep'), 'ROOT', 'of the same size')
  s.write('shop/.psoaccess', id('shop'))
  t.equal(s.idAt('shop/deep'), 'shop')
  t.equal(s.idAt(''), 'ROOT')
  rmSync(join(s.root, 'shop/.psoaccess'))
  t.equal(s.idAt('shop/deep'), 'ROOT')
})

t.test('an edit that keeps size and modification time is seen', async t => {
  const s = site(t, { '.psoaccess': id('a') })
  s.age('.psoaccess')
  t.equal(s.idAt(''), 'a')
  s.write('.psoaccess', id('b'))
  s.age('.psoaccess')
  t.equal(s.idAt(''), 'b')
  s.write('.new', id('c'))
  s.age('.new')
  renameSync(join(s.root, '.new'), join(s.root, '.psoaccess'))
  t.equal(s.idAt(''), 'c')
})

t.test('in production a file is looked at once in a second, however many directories it serves', async t => {
  const s = site(t, { '.psoaccess': id('a'), x: {}, y: {} }, { recheckMs: 1000 })
  t.equal(s.idAt('x'), 'a')
  s.write('.psoaccess', id('b'))
  s.pass(900)
  t.equal(s.idAt('x'), 'a')
  t.equal(s.idAt('y'), 'a', 'a directory that is asked for later knows what the others know')
  s.pass(100)
  t.equal(s.idAt('y'), 'b', 'and trusts it no longer than they')
  t.equal(s.idAt('x'), 'b')
})

t.test('in production a new file is seen within the second too', async t => {
  const s = site(t, { x: {} }, { recheckMs: 1000 })
  t.equal(s.idAt('x'), undefined)
  s.write('x/.psoaccess', id('x'))
  s.pass(999)
  t.equal(s.idAt('x'), undefined)
  s.pass(1)
  t.equal(s.idAt('x'), 'x')
})

t.test('a clock that is set back makes nothing last longer', async t => {
  const s = site(t, { '.psoaccess': id('a') }, { recheckMs: 1000 })
  t.equal(s.idAt(''), 'a')
  s.write('.psoaccess', id('b'))
  s.pass(-50_000)
  t.equal(s.idAt(''), 'b')
})

t.test('what a watcher tells is seen at once, what is no access file is passed by', async t => {
  const s = site(t, { '.psoaccess': id('a'), x: {} }, { recheckMs: 1000 })
  t.equal(s.idAt('x'), 'a')
  s.write('.psoaccess', id('b'))
  s.store.forget(join(s.root, 'x/page.html'))
  t.equal(s.idAt('x'), 'a')
  s.store.forget(join(s.root, '.psoaccess'))
  t.equal(s.idAt('x'), 'b')
  s.write('.psoaccess', id('c'))
  s.store.forget(join(s.root, 'x'))
  t.equal(s.idAt('x'), 'c', 'an event of a directory')
})

t.test('an edit leaves what it does not touch as it was', async t => {
  const s = site(t, { x: { '.psoaccess': id('x') }, y: { '.psoaccess': id('y') } })
  const before = s.at('x')
  s.write('y/.psoaccess', id('z'))
  t.equal(s.idAt('y'), 'z')
  t.equal(s.at('x'), before)
})

t.test('the levels tell which access file was read, and what it may hold', async t => {
  const ini =
    '[Directory public_html/up]\nAllowOverride = None\n[Directory public_html/up/in]\nAllowOverride = Session Limit'
  const s = site(t, { '.psoaccess': '', up: { '.psoaccess': 'X', in: { '.psoaccess': '', no: {} } } }, { ini })
  t.same(
    s
      .at('up/in/no')
      .levels.map(({ directory, accessFile, allows }) => [
        directory.slice(s.root.length),
        accessFile?.slice(s.root.length),
        allows.size,
      ]),
    [
      ['', '/.psoaccess', 7],
      ['/up', undefined, 0],
      ['/up/in', '/up/in/.psoaccess', 2],
      ['/up/in/no', undefined, 2],
    ],
  )
})

t.test('an origin names the directory that it speaks for', async t => {
  const ini = `[Directory public_html/x]\n${id('a')}[Directory /]\nPSOSessionExpire = 1\n[Files q]\nPSOSessionIdle = 1`
  const s = site(t, { x: { y: {} } }, { ini: `Options = Indexes\n${ini}` })
  const { origins } = s.at('x/y', 'q')
  t.equal(origins.get('PSOServiceId')?.[0]?.directory, join(s.root, 'x'))
  t.equal(origins.get('PSOSessionExpire')?.[0]?.directory, s.root)
  t.equal(origins.get('PSOSessionIdle')?.[0]?.directory, s.root)
  t.equal(origins.get('Options')?.[0]?.directory, s.root)
})

t.test('what cannot be read closes the directory and never hangs', async t => {
  const s = site(t, {
    dir: { '.psoaccess': {} },
    fifo: {},
    out: {},
    dangling: {},
    loop: {},
    binary: {},
    large: {},
    fine: {},
  })
  spawnSync('mkfifo', [join(s.root, 'fifo/.psoaccess')])
  const link = (target: string, path: string): void => symlinkSync(target, join(s.root, path, '.psoaccess'))
  link('../../conf/server.ini', 'out')
  link('missing', 'dangling')
  link('.psoaccess', 'loop')
  writeFileSync(join(s.root, 'binary/.psoaccess'), Buffer.from('PSOServiceId = a\n# gr\xfcn', 'latin1'))
  s.write('large/.psoaccess', `# ${'x'.repeat(MAX_BYTES)}`)
  const expected = {
    dir: '1: expected a file, got a directory',
    fifo: '1: expected a file, got a device',
    out: '1: expected a file in the document root, got a link that leaves it',
    dangling: '1: the file cannot be read: it does not exist',
    loop: '1: the file cannot be read: too many links',
    binary: '2: expected UTF-8 text',
    large: `1: expected at most ${MAX_BYTES} bytes, got ${MAX_BYTES + 2}`,
  }
  for (const [name, problem] of Object.entries(expected)) {
    t.same(problems(s.at(name)), [`${s.root}/${name}/.psoaccess:${problem}`], name)
    mkdirSync(join(s.root, name, 'below'))
    t.equal(problems(s.at(`${name}/below`)).length, 1, `below ${name}`)
  }
  t.same(problems(s.at('fine')), [])
  rmSync(join(s.root, 'dir/.psoaccess'), { recursive: true })
  t.same(problems(s.at('dir')), [], 'and opens again when it is mended')
})

t.test('a file that could not be read for want of a descriptor is read when there is one', async t => {
  const s = site(t, { '.psoaccess': id('a') })
  const door = JSON.stringify(join(import.meta.dirname, '../../directives/index.ts'))
  const program = `
    const { closeSync, openSync } = await import('node:fs')
    const { createConfigStore, readServerConfig } = await import(${door})
    const server = readServerConfig({ file: 'conf/server.ini', environment: {}, cwd: ${JSON.stringify(s.top)} })
    const store = createConfigStore(server, { now: () => 1, recheckMs: 0 })
    const at = () => store.configOf({ directory: server.documentRoot, name: undefined, path: '/' })
    const open = []
    try { for (;;) open.push(openSync('/dev/null')) } catch {}
    const without = at().problems.map(({ message }) => message).join()
    open.forEach(closeSync)
    console.log(JSON.stringify([without, at().directives.PSOServiceId]))`
  s.age('.psoaccess')
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 64 && exec "$0" "$@"', process.execPath, '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  )
  t.equal(stderr, '')
  t.same(JSON.parse(stdout), ['the file cannot be read: EMFILE', 'a'])
})

t.test('a socket', async t => {
  const s = site(t, {})
  const socket = createServer()
  // relative, because the path of a socket is short
  await new Promise<void>(done => socket.listen(relative('.', join(s.root, '.psoaccess')), done))
  t.teardown(() => socket.close())
  t.match(problems(s.at('')), [/\.psoaccess:1: the file cannot be read: it is a socket$/])
})

t.test('an access file may be a link inside the document root', async t => {
  const s = site(t, { shared: { file: id('shared') }, x: {} })
  symlinkSync('../shared/file', join(s.root, 'x/.psoaccess'))
  t.equal(s.idAt('x'), 'shared')
  s.write('shared/file', id('other'))
  t.equal(s.idAt('x'), 'other')
})

t.test('[Directory] is meant for a directory below a linked document root too', async t => {
  const top = realpathSync(t.testdir({ real: { up: { '.psoaccess': 'X = 1' } }, 'server.ini': '' }))
  symlinkSync('real', join(top, 'www'))
  writeFileSync(join(top, 'server.ini'), 'DocumentRoot = www\n[Directory www/up]\nAllowOverride = None')
  const server = readServerConfig({ file: join(top, 'server.ini'), environment: {}, cwd: '/' })
  t.equal(server.documentRoot, join(top, 'real'))
  const store = createConfigStore(server, { now: () => 0, recheckMs: 0 })
  t.equal(store.configOf({ directory: join(top, 'real/up'), name: undefined, path: '/up/' }).unknown.length, 0)
})

t.test('a directory outside the document root is a RangeError', async t => {
  const s = site(t, {})
  t.throws(() => s.at('..'), RangeError)
})

t.test('more directories than are kept are served as well', async t => {
  const s = site(t, { '.psoaccess': id('a') }, { recheckMs: 1000 })
  for (let n = 0; n < 10_100; n++) s.at(`d${n}`)
  t.equal(s.idAt('d0'), 'a')
  t.equal(s.idAt('d10099'), 'a')
})

t.test('warm, a deep directory costs production what a shallow one does', async t => {
  const deep = Array.from({ length: 20 }, (_, n) => `d${n}`).join('/')
  const s = site(t, { '.psoaccess': id('a') }, { recheckMs: 1000 })
  mkdirSync(join(s.root, deep), { recursive: true })
  const cost = (path: string): number => {
    const directory = join(s.root, path)
    const start = process.cpuUsage()
    for (let n = 0; n < 20_000; n++) s.store.configOf({ directory, name: 'x', path: '/x' })
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  cost('d0')
  cost(deep)
  // one directory looked at anew on each request would cost twenty stats, 40 us, against less than one
  t.ok(cost(deep) / 20_000 < 5, 'microseconds')
})

t.test('server.ini: defaults without a file', async t => {
  const top = realpathSync(t.testdir({ public_html: {} }))
  const { serverRoot, documentRoot, stateDirectory, directives, file } = readServerConfig({ environment: {}, cwd: top })
  t.same(
    [file, serverRoot, documentRoot, stateDirectory],
    [undefined, top, join(top, 'public_html'), join(top, '.pso')],
  )
  t.same(directives.Listen, [{ host: '127.0.0.1', port: 8080 }])
})

t.test(
  'server.ini: its paths are relative to the directory that holds conf, the command line to where it was typed',
  async t => {
    const top = realpathSync(
      t.testdir({
        conf: { 'server.ini': 'DocumentRoot = www\nStateDirectory = state\nListen = 1\nListen = 2' },
        www: {},
        'typed here': { 'my "own" \\ site': {} },
      }),
    )
    const cwd = join(top, 'typed here')
    const options = { file: join(top, 'conf/server.ini'), environment: {}, cwd }
    const plain = readServerConfig(options)
    t.same([plain.serverRoot, plain.documentRoot, plain.stateDirectory], [top, join(top, 'www'), join(top, 'state')])
    t.equal(plain.directives.Listen.length, 2)
    const overrides = new Map([
      ['DocumentRoot', 'my "own" \\ site'],
      ['Listen', '3'],
      ['Workers', '2'],
    ])
    const typed = readServerConfig({ ...options, overrides })
    t.equal(typed.documentRoot, join(cwd, 'my "own" \\ site'))
    t.equal(typed.directives.Listen.length, 1, 'in place of those in the file')
    t.throws(() => readServerConfig({ ...options, overrides: new Map([['Workers', 'x']]) }), {
      message: '(command line):1: Workers: expected a whole number from 1 to 1024, got "x"',
    })
  },
)

t.test('server.ini: a file that does not lie in conf is itself at the root', async t => {
  const top = realpathSync(t.testdir({ 'my.ini': '' }))
  t.equal(readServerConfig({ file: 'my.ini', environment: {}, cwd: top }).serverRoot, top)
})

t.test('server.ini: all errors are thrown at once, warnings are kept', async t => {
  const top = realpathSync(t.testdir({ 'a.ini': 'X = 1\nTimeout = x\n[Nope]', 'b.ini': 'Timeout = 1\nTimeout = 2' }))
  const read = (file: string) => readServerConfig({ file, environment: {}, cwd: top })
  try {
    read('a.ini')
    t.fail('no error')
  } catch (error) {
    t.type(error, DirectivesError)
    t.same((error as DirectivesError).problems.map(({ code }) => code).sort(), [
      'bad-value',
      'unknown-directive',
      'unknown-section',
    ])
  }
  t.match(read('b.ini').warnings, [{ code: 'repeated', at: { line: 2 } }])
  t.throws(() => read('missing.ini'), { message: /missing\.ini:1: the file cannot be read: it does not exist/ })
})

t.test('the directives of one call stand in place of the directory’s, and are judged like them', async t => {
  const s = site(t, { '.psoaccess': `${id('a')}PSOSessionExpire = 60` })
  const merged = s.at('')
  const own = withDirectives(merged, { psoserviceid: 'Other', PSOSessionIdle: '2*60' }, s.server)
  t.equal(own.PSOServiceId, 'Other')
  t.equal(merged.directives.PSOServiceId, 'a')
  t.same(own.PSOSessionExpire, merged.directives.PSOSessionExpire)
  t.throws(() => withDirectives(merged, { PSOServceId: 'x' }, s.server), { message: /did you mean PSOServiceId\?/ })
  t.throws(() => withDirectives(merged, { PSOSessionIdle: 'soon' }, s.server), { message: /PSOSessionIdle: expected/ })
  t.throws(() => withDirectives(merged, { Listen: '80' }, s.server), { message: /Listen: expected in server\.ini/ })
})
