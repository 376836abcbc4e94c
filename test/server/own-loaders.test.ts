import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { counter, does, Jar, visit } from '../support/handlers.ts'
import { type SiteOptions, site, type TestSite, type Tree } from '../support/site.ts'

/** The least that a loader is, over a Map that the tests can reach. */
const naive = `export class MyLoader {
  records: Map<string, string> = ((globalThis as any).records ??= new Map())
  load (id: string, { serviceId }: any) { const text = this.records.get(serviceId + ' ' + id); return text && JSON.parse(text) }
  save (id: string, record: any, { serviceId }: any) { this.records.set(serviceId + ' ' + id, JSON.stringify(record)) }
}
`

/** Each test begins with nothing stored. */
async function start(t: Test, tree: Tree, options: SiteOptions = {}): Promise<TestSite> {
  const shared = globalThis as { records?: Map<string, string> }
  shared.records = new Map()
  return site(t, tree, options)
}

const stored = (): { readonly [name: string]: unknown }[] =>
  [...(globalThis as unknown as { records: Map<string, string> }).records.values()].map(text => JSON.parse(text))

/** Visits until the answer is not the last of these numbers. */
async function counts(t: Test, app: TestSite, url: string, numbers: readonly number[], jar = new Jar()): Promise<Jar> {
  for (const number of numbers) {
    const answer = await app.inject({ url, headers: jar.headers })
    t.equal(visit(answer.body), number, `${answer.statusCode} ${answer.body} ${app.errorLog()}`)
    jar.take(answer.headers)
  }
  return jar
}

t.test("a loader mixed into an implementation, plugged by a fixup of one's own", async t => {
  const app = await start(t, {
    '.psoaccess': 'PSOHandler = mysqltest\nPSOFixupHandler = mysqltest::fixup\nPSOServiceId = shop',
    'mysqltest.ts': `import { CookieSession, mixin, pso, type Request, SessionImpl } from 'pso'
${naive}
class MySQLImpl extends mixin(CookieSession, MyLoader, SessionImpl) {}
export const fixup = (req: Request) => pso.fixup(req, MySQLImpl)
${counter.replace("import { OK, type Request } from 'pso'", 'const OK = 0')}`,
  })
  await counts(t, app, '/', [1, 2, 3])
  t.match(stored(), [{ serviceId: 'shop', data: '{"visits":3}', version: 3 }])
  t.notOk(existsSync(join(app.stateDirectory, 'sessions')), 'no session file')
  t.match(app.errorLog(), /the session loader MySQLImpl has no lock\(\): it is exact on one machine only/)
})

t.test('getSession with the class gives the session that the fixup brought', async t => {
  const app = await start(t, {
    '.psoaccess': 'PSOFixupHandler = handler::fixup\nPSOSessionLockWait = 1',
    'handler.ts': `import { CookieSession, mixin, pso, type Request, SessionImpl } from 'pso'
${naive}
export const fixup = (req: Request) => pso.fixup(req, mixin(CookieSession, MyLoader, SessionImpl))
export async function handler (req: Request) {
  const { session } = req.pso()
  session.n = (session.n ?? 0) + 1
  const other = await req.pso().getSession(mixin(CookieSession, MyLoader, SessionImpl))
  return [other === session, other.n]
}`,
  })
  const jar = new Jar().take((await app.inject('/')).headers)
  t.same((await app.inject({ url: '/', headers: jar.headers })).json(), [true, 2])
})

for (const [title, line, source] of [
  ['by its name', 'db/my.ts::MyLoader', `${naive}export class Other {}`],
  ['as the default export', 'db/my', `${naive}export default MyLoader\nexport class More extends MyLoader {}`],
  ['as the only loader of its module', 'db/my', `${naive}export class Other {}`],
  [
    'mixed',
    'db/my::Mixed',
    `import { CookieSession, mixin, SessionImpl } from 'pso'\n${naive}export const Mixed = mixin(CookieSession, MyLoader, SessionImpl)`,
  ],
] as const)
  t.test(`PSOSessionLoader names a class ${title}`, async t => {
    const app = await start(t, {
      '.psoaccess': `PSOSessionLoader = ${line}`,
      db: { 'my.ts': source },
      shop: { '.psoaccess': 'PSOServiceId = shop', 'handler.ts': counter },
    })
    await counts(t, app, '/shop/', [1, 2])
    t.match(stored(), [{ data: '{"visits":2}' }])
    t.match(app.errorLog(), /the session loader MyLoader has no lock/)
  })

t.test('the module of a loader is never sent as a file', async t => {
  const app = await start(t, {
    '.psoaccess': 'PSOSessionLoader = my.js::MyLoader',
    'my.js': 'export class MyLoader { load () {} save () {} }',
    'other.js': '1',
  })
  t.equal((await app.inject('/other.js')).statusCode, 200)
  for (const url of ['/my.js', '/MY.js', '/my.js.gz']) t.equal((await app.inject(url)).statusCode, 404, url)
})

t.test('a loader that cannot be had is an error of its tree only, with file and line', async t => {
  const uses = (line: string): Tree => ({ '.psoaccess': `# loader\nPSOSessionLoader = ${line}`, 'handler.ts': counter })
  const app = await start(t, {
    missing: uses('nowhere::MyLoader'),
    other: { ...uses('my::Wrong'), 'my.ts': `${naive}export class Half { load () {} }` },
    half: { ...uses('my'), 'my.ts': 'export class Half { load () {} }' },
    several: { ...uses('my'), 'my.ts': `${naive}export class Second extends MyLoader {}` },
    broken: { ...uses('my'), 'my.ts': 'const x: number = 1\nthis is no code' },
    refused: {
      ...uses('my'),
      'my.ts': `${naive}export class Down extends MyLoader { constructor () { super(); throw new Error('connection refused') } }\nexport default Down`,
    },
    fine: { '.psoaccess': '', 'handler.ts': counter },
  })
  for (const [url, status, message] of [
    ['/missing/', 500, /expected the module nowhere in .*\/missing, found no such file, .*missing\/\.psoaccess:2/],
    ['/other/', 500, /expected a class Wrong with load and save in .*other\/my, it exports MyLoader, .*\.psoaccess:2/],
    ['/half/', 500, /expected one class with load and save in .*half\/my, it exports none/],
    ['/several/', 500, /expected one class with load and save in .*several\/my, it exports MyLoader, Second/],
    ['/broken/', 500, /broken\/my\.ts does not load: .*my\.ts:2/],
    ['/refused/', 503, /the loader Down cannot be made: connection refused/],
  ] as const) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url)
    t.match(app.errorLog(), message)
    t.notMatch(answer.body, /my\.ts|connection|nowhere/)
  }
  await counts(t, app, '/fine/', [1])
})

t.test('without AllowOverride Handlers no directory may name a loader', async t => {
  const app = await start(
    t,
    { '.psoaccess': 'PSOSessionLoader = my::MyLoader', 'my.ts': naive, 'handler.ts': counter },
    { ini: 'AllowOverride = Session' },
  )
  t.equal((await app.inject('/')).statusCode, 500)
  t.match(app.errorLog(), /PSOSessionLoader: expected AllowOverride to grant Handlers/)
})

t.test(
  'one object serves a process; an edit of its class is live with the next request, and the old one is closed',
  async t => {
    const events: string[] = ((globalThis as any).events = [])
    const source = (version: number): string => `${naive}
export default class Counting extends MyLoader {
  constructor () { super(); (globalThis as any).events.push('open ${version}') }
  close () { (globalThis as any).events.push('close ${version}') }
}`
    const app = await start(
      t,
      { '.psoaccess': 'PSOSessionLoader = my', 'my.ts': source(1), 'handler.ts': counter },
      { development: true },
    )
    const jar = await counts(t, app, '/', [1, 2])
    t.same(events, ['open 1'])
    writeFileSync(join(app.root, 'my.ts'), source(2))
    await counts(t, app, '/', [3, 4], jar)
    t.same(events, ['open 1', 'open 2', 'close 1'])
    await app.close()
    t.same(events.slice(3), ['close 2'])
  },
)

const waits = does(
  'const { session } = req.pso(); const n = session.n ?? 0; await new Promise(setImmediate); session.n = n + 1; return `${session.n}`',
)

for (const lock of ['on', 'merge'])
  t.test(`requests at once on a loader without a lock, PSOSessionLock = ${lock}: the end is exact`, async t => {
    const app = await start(t, {
      '.psoaccess': `PSOSessionLoader = my\nPSOServiceId = s\nPSOSessionLock = ${lock}`,
      'my.ts': naive.replace('load (id', 'async load (id').replace('save (id', 'async save (id'),
      'handler.ts':
        lock === 'on' ? waits : does('await req.pso().session.update((s: any) => { s.n = (s.n ?? 0) + 1 })'),
    })
    const jar = new Jar().take((await app.inject('/')).headers)
    await Promise.all(Array.from({ length: 50 }, () => app.inject({ url: '/', headers: jar.headers })))
    t.match(stored(), [{ data: '{"n":51}' }])
  })

for (const [title, more] of [
  ['with remove', "remove (id: string, { serviceId }: any) { this.records.delete(serviceId + ' ' + id) }"],
  ['without', ''],
] as const)
  t.test(`a logout stays, whatever a slower request does, on a loader ${title}`, async t => {
    const gate = ((globalThis as any).gate = Promise.withResolvers<void>())
    const app = await start(t, {
      '.psoaccess': 'PSOSessionLoader = my\nPSOServiceId = s\nPSOSessionLock = off',
      'my.ts': naive.replace(/}\n$/, `${more}\n}\n`),
      'handler.ts': does(`
        const { session } = req.pso()
        if (req.args === 'out') session.invalidate()
        else if (req.args === 'slow') { await (globalThis as any).gate.promise; session.late = 1 }
        else session.user = 'ada'
        return String(session.user)`),
    })
    const jar = new Jar().take((await app.inject('/')).headers)
    const { headers } = jar
    const slow = app.inject({ url: '/?slow', headers })
    await new Promise(resolve => setTimeout(resolve, 20))
    t.equal((await app.inject({ url: '/?out', headers })).statusCode, 200)
    gate.resolve()
    t.equal((await slow).statusCode, 503)
    const after = await app.inject({ url: '/?slow', headers })
    t.equal(after.body, 'undefined')
    t.not(new Jar().take(after.headers).value('s'), jar.value('s'))
  })

t.test("ids are the loader's own; one that is taken is tried again and never adopted", async t => {
  const app = await start(t, {
    '.psoaccess': 'PSOSessionLoader = my\nPSOServiceId = s',
    'my.ts': naive.replace(
      /}\n$/,
      "newSessionId () { const ids = ((globalThis as any).ids ??= ['a', 'a', 'a', 'b-2']); return ids.length > 1 ? ids.shift() : ids[0] }\n}\n",
    ),
    'handler.ts': counter,
    early: {
      '.psoaccess': '',
      'handler.ts': does("req.pso().session.early = 1; req.write('x'); await req.flush(); return req.pso().session.id"),
    },
  })
  const one = await counts(t, app, '/', [1])
  const two = await counts(t, app, '/', [1])
  t.same([one.value('s'), two.value('s')], ['a', 'b-2'])
  await counts(t, app, '/', [2], one)
  await counts(t, app, '/', [2], two)
  t.equal((await app.inject('/')).statusCode, 500)
  t.match(app.errorLog(), /newSessionId made ids that are taken, 6 times in a row/)
  ;(globalThis as any).ids.unshift('a', 'c')
  const early = await app.inject('/early/')
  t.equal(new Jar().take(early.headers).value('s'), 'c', 'before the head leaves early, too')
  t.equal(early.body, 'xc')
  t.equal(stored().length, 3)
})

t.test('what a class throws or answers wrongly is 503 or 500, and said without data', async t => {
  const app = await start(
    t,
    {
      '.psoaccess': 'PSOServiceId = s',
      'handler.ts': counter,
      ...Object.fromEntries(
        [
          ['throws', "load () { throw new Error('gone away') } save () {}"],
          ['rejects', "async load () { throw new Error('gone away') } save () {}"],
          ['text', `load () { return '{"secret":1}' } save () {}`],
          ['data', `load () { return { serviceId: 's', data: { secret: 1 } } } save () {}`],
          [
            'undecodable',
            `load () { return { serviceId: 's', data: 'secret', createdAt: 1, usedAt: 1, version: 1 } } save () {}`,
          ],
          ['saves', "load () {} save () { throw new Error('disk full') }"],
        ].map(([name, body]) => [
          name,
          { '.psoaccess': 'PSOSessionLoader = my', 'my.ts': `export class ${name} { ${body} }` },
        ]),
      ),
    },
    { now: () => 1000 },
  )
  const headers = { cookie: `s=${'A'.repeat(27)}` }
  for (const [name, status, message] of [
    ['throws', 503, /load of throws failed: gone away.*throws\/my\.ts:1/],
    ['rejects', 503, /load of rejects failed: gone away.*rejects\/my\.ts:1/],
    ['text', 500, /load of text: expected the record that was saved \(of its text: JSON\.parse\)/],
    ['data', 500, /load of data: expected a record whose data is a text, got an object/],
    ['undecodable', 500, /a session of s is damaged and was set aside, with the key [0-9a-f]{64}/],
    ['saves', 503, /save of saves failed: disk full.*saves\/my\.ts:1/],
  ] as const) {
    const answer = await app.inject({ url: `/${name}/`, headers })
    t.equal(answer.statusCode, status, `${name} ${app.errorLog()}`)
    t.match(app.errorLog(), message)
    t.notMatch(answer.body, /gone away|secret|disk full|my\.ts/)
  }
  t.notMatch(app.errorLog(), /secret/)
})

/** The how-to's database, with parameters in place of pasted text. */
const database = (file: string): string => `import { DatabaseSync } from 'node:sqlite'
export class DbLoader {
  db = new DatabaseSync(${JSON.stringify(file)})
  constructor () { this.db.exec('CREATE TABLE IF NOT EXISTS session (service, id, record, PRIMARY KEY (service, id))') }
  load (id: string, { serviceId }: any) {
    const row = this.db.prepare('SELECT record FROM session WHERE service = ? AND id = ?').get(serviceId, id) as any
    return row && JSON.parse(row.record)
  }
  save (id: string, record: any, { serviceId }: any) {
    this.db.prepare('INSERT OR REPLACE INTO session VALUES (?, ?, ?)').run(serviceId, id, JSON.stringify(record))
  }
  newSessionId () { return crypto.randomUUID() }
  close () { this.db.close() }
}`

t.test(
  'a loader over a database file counts, survives a restart, and an id with a quote alters no other row',
  async t => {
    const directory = t.testdir({})
    const file = join(directory, 'sessions.db')
    const tree = {
      '.psoaccess': 'PSOSessionLoader = db\nPSOServiceId = s',
      'db.ts': database(file),
      'handler.ts': counter,
    }
    const first = await start(t, tree)
    const jar = await counts(t, first, '/', [1, 2])
    await first.close()
    const second = await start(t, tree)
    await counts(t, second, '/', [3], jar)
    const rows = (): unknown[] => {
      const db = new DatabaseSync(file, { readOnly: true })
      const found = db.prepare('SELECT * FROM session ORDER BY id').all()
      db.close()
      return found
    }
    const before = rows()
    const id = jar.value('s')!
    for (const hostile of [`x' OR '1'='1`, `${id}'`, `'; DROP TABLE session; --`, `${id}' --`, `${id}%`, `../${id}`]) {
      for (const cookie of [`s=${hostile}`, `s="${hostile}"`, `s=${encodeURIComponent(hostile)}`]) {
        const answer = await second.inject({ url: '/', headers: { cookie } })
        t.equal(answer.statusCode, 200)
        t.equal(visit(answer.body), 1, 'a fresh session')
      }
    }
    t.match(
      rows().filter((row: any) => row.id === id),
      before,
    )
    t.equal(rows().length, 1 + 6 * 3)
    await counts(t, second, '/', [4], jar)
  },
)

t.test('locks of a loader lie in the state directory, and none is left', async t => {
  const app = await start(t, { '.psoaccess': 'PSOSessionLoader = my', 'my.ts': naive, 'handler.ts': counter })
  await counts(t, app, '/', [1, 2])
  const locks = join(app.stateDirectory, 'session-locks/MyLoader/locks')
  t.same(
    readdirSync(locks).filter(name => !name.startsWith('owner-')),
    [],
  )
  rmSync(join(app.stateDirectory, 'session-locks'), { recursive: true })
  await counts(t, app, '/', [1], new Jar())
})
