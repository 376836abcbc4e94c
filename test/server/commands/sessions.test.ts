import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { SessionRecord } from '../../../session/index.ts'
import { tombstoneOf } from '../../../session/life.ts'
import { FileSessionLoader } from '../../../session/loaders/file.ts'
import { sessionKey, sessionName } from '../../../session/session-key.ts'
import { does, Jar } from '../../support/handlers.ts'
import { startPso } from '../../support/pso-process.ts'
import { plant, type Tree } from '../../support/site.ts'

const minute = 60 * 1000
const hour = 60 * minute

interface Planted {
  readonly top: string
  /** Runs `pso sessions ARGS` on the site. */
  pso(...args: string[]): Promise<{ code: number | string; out: string; errors: string; lines: string[] }>
  /** A session in a directory of StateDirectory, used so many minutes ago; gives its key. */
  save(id: string, more?: Partial<SessionRecord> & { ago?: number }, directory?: string): string
}

function planted(t: Test, tree: Tree = {}, ini = ''): Planted {
  const top = realpathSync(t.testdir({}))
  plant(join(top, 'conf'), { 'server.ini': `Listen = 127.0.0.1:0\nErrorLog = error.log\n${ini}` })
  plant(join(top, 'public_html'), tree)
  const now = Date.now()
  return {
    top,
    async pso(...args) {
      const run = startPso(t, ['sessions', ...args, '--config', join(top, 'conf/server.ini')])
      const code = await run.ended
      return { code, out: run.out(), errors: run.errors(), lines: run.out().trimEnd().split('\n') }
    },
    save(id, { ago = 0, ...more } = {}, directory = 'sessions') {
      const loader = new FileSessionLoader(join(top, '.pso', directory))
      const usedAt = now - ago * minute
      const record = { serviceId: 'shop', data: '{"secret":"data"}', createdAt: usedAt, usedAt, version: 1, ...more }
      loader.save(id, record, { serviceId: record.serviceId })
      loader.close()
      return sessionKey(sessionName(record.serviceId, id))
    },
  }
}

/** The keys of a table's rows, in their order. */
const keysOf = (lines: readonly string[]): string[] => lines.slice(1).map(line => line.slice(0, 12))

const short = (key: string): string => key.slice(0, 12)

t.test('list: a line a session, the one used last first, without data and ids', async t => {
  const { pso, save } = planted(t)
  const at = Date.UTC(2026, 0, 2, 3, 4)
  const older = save('one', { ago: 10, label: 'ada', endsAt: Date.UTC(2099, 0, 2, 3, 4), createdAt: at })
  const newer = save('two', { ago: 5, serviceId: 'forum' })
  const { code, out, errors, lines } = await pso('list')
  t.equal(errors, '')
  t.equal(code, 0)
  t.match(lines[0], /^KEY +SERVICE +LABEL +CREATED +USED +ENDS +SIZE$/)
  t.same(keysOf(lines), [short(newer), short(older)])
  t.match(lines[1], / forum +- .* - +17$/)
  t.match(lines[2], / shop +ada +2026-01-02 03:04 .* 2099-01-02 03:04 +17$/)
  t.notMatch(out, /secret|one|two/)
})

t.test('list: over every store that the configuration names, each once', async t => {
  const { pso, save } = planted(
    t,
    {
      '.psoaccess': '',
      a: { '.psoaccess': 'PSOSessionFileLoader_Path = a' },
      b: {
        '.psoaccess': 'PSOSessionFileLoader_Path = a\n[Files x.ts]\nPSOSessionFileLoader_Path = b',
        below: { '.psoaccess': '' },
      },
    },
    '[Location /c]\nPSOSessionFileLoader_Path = c\n[/Location]\n',
  )
  const keys = ['sessions', 'a', 'b', 'c'].map((directory, ago) => save(directory, { ago }, directory))
  save('elsewhere', {}, 'd')
  const { lines, code } = await pso('list')
  t.equal(code, 0)
  t.same(keysOf(lines), keys.map(short))
  t.match(lines[0], / STORE$/)
  for (const [at, directory] of ['sessions', 'a', 'b', 'c'].entries())
    t.ok(lines[at + 1]!.endsWith(`/.pso/${directory}`), directory)
})

t.test('list: one store that is named, also one that no directive names', async t => {
  const { pso, save, top } = planted(t)
  save('default')
  const key = save('elsewhere', {}, 'd')
  t.same(keysOf((await pso('list', '--loader', `file:${top}/.pso/d`)).lines), [short(key)])
  const missing = await pso('list', '--loader', `file:${top}/.pso/e`)
  t.equal(missing.code, 1)
  t.match(missing.errors, `file:${top}/.pso/e: there is no such file or directory`)
  t.notOk(existsSync(join(top, '.pso/e')))
})

t.test('list: by service, label and age; those that are over only on demand', async t => {
  const { pso, save } = planted(t)
  const now = Date.now()
  const ada = save('ada', { ago: 1, label: 'ada' })
  const forum = save('forum', { ago: 2, label: 'ada', serviceId: 'forum' })
  const bob = save('bob', { ago: 3, label: 'bob', createdAt: now - 50 * hour })
  const unused = save('unused', { ago: 180 })
  const over = save('over', { ago: 240, endsAt: now - minute })
  const ended = save('ended', { ago: 300 })
  save('ended', { ...tombstoneOf({ serviceId: 'shop', data: '{}', createdAt: now, usedAt: now, version: 1 }, now) })
  for (const [args, keys] of [
    [[], [ada, forum, bob, unused]],
    [
      ['--service', 'shop'],
      [ada, bob, unused],
    ],
    [
      ['--label', 'ada'],
      [ada, forum],
    ],
    [['--label', 'ad'], []],
    [['--label', 'ada', '--service', 'shop'], [ada]],
    [['--older', '2d'], [bob]],
    [['--older', '49*60*60'], [bob]],
    [['--idle', '90m'], [unused]],
    [['--idle', '7200'], [unused]],
    [['--idle', '2h', '--label', 'ada'], []],
  ] as const)
    t.same(keysOf((await pso('list', ...args)).lines), keys.map(short), args.join(' '))
  const { lines } = await pso('list', '--all')
  t.same(new Set(keysOf(lines)), new Set([ada, forum, bob, unused, over, ended].map(short)))
  const stateOf = (key: string): string | undefined =>
    / (open|over|ended) /.exec(lines.find(line => line.startsWith(short(key)))!)?.[1]
  t.same([ada, over, ended].map(stateOf), ['open', 'over', 'ended'])
})

t.test('list --json: one document, full keys, ISO dates, no data', async t => {
  const { pso, save, top } = planted(t)
  const createdAt = Date.UTC(2026, 0, 2)
  const key = save('one', { createdAt, usedAt: createdAt, label: 'ädä\u009b\u202e', endsAt: Date.UTC(2099, 0, 1) })
  save('two', { createdAt: createdAt - 1, usedAt: createdAt - 1 })
  const { out } = await pso('list', '--json')
  const [one, two, ...others] = JSON.parse(out)
  t.same(one, {
    key,
    service: 'shop',
    label: 'ädä\u009b\u202e',
    state: 'open',
    createdAt: '2026-01-02T00:00:00.000Z',
    usedAt: '2026-01-02T00:00:00.000Z',
    endsAt: '2099-01-01T00:00:00.000Z',
    size: 17,
    store: `file:${top}/.pso/sessions`,
  })
  t.match(two, { label: null, endsAt: null })
  t.equal(others.length, 0)
  t.same(JSON.parse((await pso('list', '--json', '--label', 'nobody')).out), [])
})

t.test('list: what users have made cannot write to the terminal', async t => {
  const { pso, save } = planted(t)
  const hostile = '\x1b[2J\n\u009b\u202e'
  const key = save('one', { label: hostile, data: JSON.stringify({ text: hostile, plain: 'ä' }) })
  for (const args of [['list'], ['list', '--json'], ['show', key], ['show', key, '--json']]) {
    const { out } = await pso(...args)
    t.notMatch(out, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/, args.join(' '))
    t.match(out, '\\u001b[2J', args.join(' '))
  }
  t.equal((await pso('list')).lines.length, 2)
})

t.test('list: a record that was tampered with is a line like any other', async t => {
  const { pso, save } = planted(t)
  save('one', { createdAt: -1e300, usedAt: 0, endsAt: 1e300, data: 'no json' })
  t.match((await pso('list')).lines[1], / - +1970-01-01 00:00 +- +7$/)
  t.match((await pso('list', '--json')).out, '"createdAt":null')
})

t.test('list: a reader that has seen enough ends it without an error', async t => {
  const { pso, save, top } = planted(t)
  for (let number = 0; number < 700; number++) save(`id-${number}`, { label: 'x'.repeat(255) })
  const run = startPso(t, ['sessions', 'list', '--config', join(top, 'conf/server.ini')])
  run.child.stdout!.once('data', () => run.child.stdout!.destroy())
  t.equal(await run.ended, 0)
  t.equal(run.errors(), '')
  t.equal((await pso('list')).lines.length, 701, 'and who reads it all gets it all')
})

t.test('list: 100,000 sessions of 10 KB take little memory', async t => {
  const path = (name: string): string => JSON.stringify(join(import.meta.dirname, '../../..', name))
  const program = `
    const { listSessions } = await import(${path('server/commands/sessions/list-sessions.ts')})
    const loader = { async *list() {
      for (let number = 0; number < 100_000; number++) yield {
        key: String(number).padStart(64, '0'),
        record: { serviceId: 'shop', label: 'user' + number, data: (number + 'x').repeat(2000), createdAt: 1, usedAt: number, version: 1 },
      }
    } }
    const store = { name: 'file:x', spec: { type: 'file', directory: 'x' } }
    await listSessions({ all: [store], each: run => run(loader, store) }, { all: true })`
  const args = ['--max-old-space-size=120', '--input-type=module', '-e', program]
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1e8 })
  t.equal(stderr, '')
  t.equal(status, 0)
  t.equal(stdout.split('\n').length, 100_002)
})

t.test('show: one session by the beginning of its key, with its data as they are kept', async t => {
  const { pso, save } = planted(t)
  const key = save('one', { label: 'ada', data: '{"at":{"$date":"2026-01-02T00:00:00.000Z"}}' })
  const shown = await pso('show', short(key).toUpperCase())
  t.equal(shown.code, 0)
  t.match(shown.out, `key        ${key}\nservice    shop\nlabel      ada\nstate      open\n`)
  t.match(shown.out, '\n\n{\n  "at": {\n    "$date": "2026-01-02T00:00:00.000Z"\n  }\n}\n')
  t.match(JSON.parse((await pso('show', key, '--json')).out), {
    key,
    label: 'ada',
    data: { at: { $date: '2026-01-02T00:00:00.000Z' } },
  })
})

t.test(
  'show: a key of none is 1, of several 1 with the candidates, and what is no key 2 without a word of it',
  async t => {
    const { pso, save } = planted(t)
    const keys = Array.from({ length: 17 }, (_, number) => save(`id-${number}`))
    const twice = keys.find((key, at) => keys.findIndex(other => other[0] === key[0]) !== at)![0]!
    const several = await pso('show', twice)
    t.equal(several.code, 1)
    t.equal(several.out, '')
    for (const key of keys) t.equal(several.errors.includes(key), key.startsWith(twice))
    const none = await pso('show', '0'.repeat(64))
    t.same([none.code, none.errors, none.out], [1, `${'0'.repeat(64)}: there is no such session\n`, ''])
    const id = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmE'
    const wrong = await pso('show', id)
    t.equal(wrong.code, 2)
    t.notMatch(wrong.errors, id)
    t.equal((await pso('show')).code, 2)
  },
)

t.test('expire: by key, by label, or all; what is ended is not ended again', async t => {
  const { pso, save } = planted(t)
  const [one, two] = [save('one'), save('two')]
  for (const number of [1, 2, 3]) save(`ada-${number}`, { label: 'ada' })
  save('bob', { label: 'bob' })
  const byKey = await pso('expire', short(one), one, two)
  t.same([byKey.code, byKey.out, byKey.errors], [0, '2 sessions ended\n', ''])
  const again = await pso('expire', one)
  t.same([again.code, again.out, again.errors], [1, '0 sessions ended\n', `${one}: there is no such session\n`])
  t.equal((await pso('expire', '--label', 'ada', '--json')).out, '{"ended":3}\n')
  t.match((await pso('list')).lines, [/^KEY/, / bob /])
  t.match((await pso('show', one)).out, /state +ended\n[\s\S]*\n\{\}\n/)
  const none = await pso('expire', '--label', 'ada')
  t.same([none.code, none.out], [0, '0 sessions ended\n'])
  t.equal((await pso('expire', '--all')).out, '1 session ended\n')
})

t.test('expire: nothing is ended by accident', async t => {
  const { pso, save } = planted(t)
  const keys = Array.from({ length: 17 }, (_, number) => save(`id-${number}`))
  for (const [args, told] of [
    [[], 'got none'],
    [['--label', ''], '--label: expected a label, got nothing'],
    [['--service', ''], '--service: expected a service id, got nothing'],
    [['--label='], '--label: expected a label, got nothing'],
    [[keys[0]!, '--all'], 'got both'],
    [['--older', 'soon'], '--older: expected an age like 90s, 30m, 2h, 7d or 15*60, got "soon"'],
    [['--older', '-1'], '--older'],
    [['--nope'], '--nope'],
  ] as const) {
    const { code, errors } = await pso('expire', ...args)
    t.equal(code, 2, args.join(' '))
    t.match(errors, told, args.join(' '))
  }
  const twice = keys.find((key, at) => keys.findIndex(other => other[0] === key[0]) !== at)![0]!
  t.equal((await pso('expire', twice)).code, 1)
  t.equal((await pso('list')).lines.length, 18)
})

t.test("expire: the next request of a running server's visitor begins anew, others go on", async t => {
  const { pso, top } = planted(t, {
    '.psoaccess': 'PSOServiceId = s',
    'handler.ts': does(
      "const { session } = req.pso(); session.visits = (session.visits ?? 0) + 1; if (req.args) session.label(req.args); return `${session.visits} ${session.id ?? ''}`",
    ),
  })
  const server = startPso(t, ['serve', '--production', '--workers', '1', '--config', join(top, 'conf/server.ini')])
  const url = await server.url
  const visit = async (jar: Jar, query = ''): Promise<string> => {
    const answer = await fetch(`${url}/${query}`, { headers: { ...jar.headers } })
    jar.take({ 'set-cookie': answer.headers.getSetCookie() })
    return (await answer.text()).split(' ')[0]!
  }
  const [desk, phone, bob] = [new Jar(), new Jar(), new Jar()] as const
  for (const [jar, label] of [
    [desk, 'ada'],
    [phone, 'ada'],
    [bob, 'bob'],
  ] as const)
    await visit(jar, `?${label}`)
  for (const jar of [desk, phone, bob]) t.equal(await visit(jar), '2')
  const ids = [desk, phone, bob].map(jar => jar.value('s')!)
  const listed = await pso('list', '--label', 'ada')
  t.equal(listed.lines.length, 3)
  const { out, code, errors } = await pso('expire', '--label', 'ada')
  t.same([code, out, errors], [0, '2 sessions ended\n', ''])
  for (const jar of [desk, phone]) t.equal(await visit(jar), '1')
  t.equal(await visit(bob), '3')
  for (const [at, jar] of [desk, phone, bob].entries()) t.equal(jar.value('s') === ids[at], jar === bob)
  const all = await pso('list', '--all', '--json')
  const shown = await pso('show', JSON.parse(all.out)[0].key)
  for (const id of ids) for (const text of [listed.out, all.out, shown.out]) t.notMatch(text, id)
})

t.test('purge: removes what is over, and says how many', async t => {
  const { pso, save } = planted(t)
  const now = Date.now()
  save('over', { ago: 2, endsAt: now - minute })
  save('ended', { ended: true, endsAt: now - 1 })
  const open = save('open')
  t.same([(await pso('purge')).out, (await pso('purge', '--json')).out], ['2 sessions removed\n', '{"removed":0}\n'])
  t.same(keysOf((await pso('list', '--all')).lines), [short(open)])
})

t.test('a store that cannot be reached is said, its password hidden, and the others are listed', async t => {
  const { pso, save, top } = planted(t, {
    '.psoaccess': 'PSOSessionFileLoader_Path = a',
    memory: { '.psoaccess': 'PSOSessionLoader = memory:' },
    remote: { '.psoaccess': 'PSOSessionLoader = redis://user:geheim@127.0.0.1:1/0' },
    slip: { '.psoaccess': '\nPSOSesionLoader = memory:' },
  })
  plant(join(top, '.pso'), { sessions: 'no directory' })
  const key = save('one', {}, 'a')
  for (const command of ['list', 'purge', 'expire'] as const) {
    const { code, out, errors } = await pso(command, ...(command === 'expire' ? ['--label', 'ada'] : []))
    t.equal(code, 1, command)
    if (command === 'list') t.same(keysOf(out.trimEnd().split('\n')), [short(key)])
    else t.match(out, /^0 sessions/)
    t.match(errors, /^memory: its sessions live in the server's process, where no other sees them$/m)
    t.match(errors, /^redis:\/\/user:\*\*\*@127\.0\.0\.1:1\/0: ./m)
    t.match(errors, /^file:.*\/\.pso\/sessions: .*(?:cannot hold sessions|not a directory)/m)
    t.match(errors, /slip\/\.psoaccess:2: PSOSesionLoader: unknown directive \(did you mean PSOSessionLoader\?\)/)
    t.notMatch(errors + out, 'geheim')
  }
})

t.test('the sessions of a class that PSOSessionLoader names are listed and ended, with what it declares', async t => {
  const { pso, top } = planted(t, {
    '.psoaccess': 'PSOSessionLoader = own.ts\nPSOOwn_File = kept.json',
    'own.ts': `import { existsSync, readFileSync, writeFileSync } from 'node:fs'
      export class Own {
        static directives = { PSOOwn_File: { kind: 'path', default: 'a.json', doc: 'Names the file.' } }
        read() { return existsSync(this.directives.PSOOwn_File) ? JSON.parse(readFileSync(this.directives.PSOOwn_File, 'utf8')) : {} }
        load(id) { return this.read()[id] }
        save(id, record) { writeFileSync(this.directives.PSOOwn_File, JSON.stringify({ ...this.read(), [id]: record })) }
        list() { return Object.entries(this.read()).map(([id, record]) => ({ id, record })) }
      }`,
  })
  const id = 'A'.repeat(27)
  const record = { serviceId: 'shop', data: '{}', createdAt: Date.now(), usedAt: Date.now(), version: 1, label: 'ada' }
  plant(join(top, '.pso'), { 'kept.json': JSON.stringify({ [id]: record }) })
  const key = sessionKey(sessionName('shop', id))
  const { code, lines, errors } = await pso('list')
  t.same([code, keysOf(lines)], [0, [short(key)]], errors)
  t.match((await pso('expire', '--label', 'ada')).out, /^1 session ended/)
  t.same(keysOf((await pso('list')).lines), [])
})

t.test('a loader that has no list is said, and that which cannot be a loader is 2', async t => {
  const { listOf } = await import('../../../server/commands/sessions/stores.ts')
  const store = { name: 'own.ts::Own', spec: undefined, open: () => loader }
  const loader = {} as Parameters<typeof listOf>[0]
  t.throws(() => listOf(loader, store), /has no list/)
  const { pso } = planted(t)
  const wrong = await pso('list', '--loader', 'mysql://user:geheim@host')
  t.equal(wrong.code, 2)
  t.match(wrong.errors, /^--loader: expected mysql:/)
  t.notMatch(wrong.errors, 'geheim')
})

t.test('a list makes nothing', async t => {
  const { pso, top } = planted(t)
  const { code, errors, lines } = await pso('list')
  t.same([code, errors, lines.length], [0, '', 1])
  for (const command of [['purge'], ['expire', '--all']]) t.match((await pso(...command)).out, /^0 sessions/)
  t.notOk(existsSync(join(top, '.pso')))
})

t.test(
  'what root ends must not lock out the user whose sessions they are',
  { skip: process.getuid?.() === 0 ? false : 'only root can be another user' },
  async t => {
    const { pso, save, top } = planted(t)
    const key = save('one')
    chownSync(join(top, '.pso/sessions'), 12345, 12345)
    t.same(keysOf((await pso('list')).lines), [short(key)])
    for (const command of [['expire', '--all'], ['purge']]) {
      const { code, errors } = await pso(...command)
      t.equal(code, 1)
      t.match(errors, 'belongs to user 12345: run this command as that user')
    }
  },
)

t.test('what is no command of it, and what a command does not take, is 2', async t => {
  const { pso } = planted(t)
  for (const [args, told] of [
    [['lst'], 'unknown command sessions lst (did you mean list?)'],
    [['list', 'abc'], 'did not expect "abc"'],
    [['show', 'abc', 'def'], 'did not expect "def"'],
    [['show', 'abc', '--label', 'ada'], "Unknown option '--label'"],
    [['purge', '--all'], "Unknown option '--all'"],
    [['constructor'], 'unknown command sessions constructor'],
  ] as const) {
    const { code, errors } = await pso(...args)
    t.equal(code, 2, args.join(' '))
    t.match(errors, told, args.join(' '))
  }
  const bare = startPso(t, ['sessions'])
  t.equal(await bare.ended, 2)
})
