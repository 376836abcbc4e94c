import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { Client } from '../support/client.ts'
import { filesBelow } from '../support/files-below.ts'
import { counter, does, Jar, visit } from '../support/handlers.ts'
import { startPso } from '../support/pso-process.ts'
import { plant, site } from '../support/site.ts'

/** One session for all, on which a handler does what the query says and then shows `session.a`. */
async function acts(t: Test): Promise<(query: string) => Promise<{ status: number; body: string }>> {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s\ns = shared',
      'handler.ts': does(`
        const { session } = req.pso()
        switch (req.args) {
          case 'set': session.a = 1; break
          case 'revert': session.a = 2; session.revert(); break
          case 'saveAndThrow': session.a = 1; await session.save(); throw new Error('after the save')
          case 'throw': session.a = 2; throw new Error('without a save')
          case 'saveTwice':
            session.a = 1; await session.save()
            session.a = 2; await session.save()
            req.write('the full text, '); break
        }
        req.write(\`a is \${session.a}\`)
        return OK`),
    },
    { development: true },
  )
  return async query => {
    const { statusCode, body } = await app.inject(`/?${query}`)
    return { status: statusCode, body }
  }
}

t.test('14: revert() goes back to what was stored', async t => {
  const act = await acts(t)
  await act('set')
  t.same(await act('revert'), { status: 200, body: 'a is 1' })
  t.same(await act(''), { status: 200, body: 'a is 1' })
})

t.test('15: what a handler saved itself stays when it throws, what it did not is gone', async t => {
  const act = await acts(t)
  t.equal((await act('saveAndThrow')).status, 500)
  t.same(await act(''), { status: 200, body: 'a is 1' })
  t.equal((await act('throw')).status, 500)
  t.same(await act(''), { status: 200, body: 'a is 1' })
})

t.test('16: two explicit saves, and all of the text arrives', async t => {
  const act = await acts(t)
  t.same(await act('saveTwice'), { status: 200, body: 'the full text, a is 2' })
  t.same(await act(''), { status: 200, body: 'a is 2' })
})

t.test('17: PSOSessionFileLoader_Path, with the slash and without: one file there, that nobody else reads', async t => {
  for (const path of ['where/it/is/', 'where/it/is']) {
    const app = await site(
      t,
      { '.psoaccess': `PSOServiceId = MI6Service\nPSOSessionFileLoader_Path = ${path}`, 'handler.ts': counter },
      { development: true },
    )
    const top = join(app.root, '..')
    const before = new Set(filesBelow(top))
    const id = new Jar().take((await app.inject('/')).headers).value('MI6Service')!
    // DESIGN 3: paths for writing are relative to StateDirectory
    const made = filesBelow(top).filter(name => !before.has(name) && !name.endsWith('.log'))
    t.equal(made.length, 1, `${made}`)
    const file = made[0]!
    t.ok(file.startsWith('.pso/where/it/is/'), file)
    t.equal(statSync(join(top, file)).mode & 0o077, 0)
    t.equal(statSync(join(app.stateDirectory, 'where/it/is')).mode & 0o077, 0)
    t.notOk(file.includes(id) || file.includes('MI6Service'), file)
  }
})

t.test('18: a place for sessions that cannot be made is an error and a line in the log that names it', async t => {
  const app = await site(
    t,
    { '.psoaccess': 'PSOSessionFileLoader_Path = taken/sessions', 'handler.ts': counter },
    { development: true },
  )
  writeFileSync(join(app.stateDirectory, 'taken'), 'a file, not a directory')
  const answer = await app.inject('/')
  t.ok(answer.statusCode >= 500 && answer.statusCode <= 599, String(answer.statusCode))
  t.equal(answer.headers['set-cookie'], undefined)
  const lines = app.errorLog().split('\n')
  t.ok(lines.some(line => line.includes(join(app.stateDirectory, 'taken/sessions'))))
})

t.test("19: a class with its own PATH or getPath, plugged by a fixup of one's own", async t => {
  const top = t.testdir()
  const plugged = (member: string): string => `import { CookieFileImpl, OK, pso, type Request } from 'pso'
class MyFileImpl extends CookieFileImpl { ${member} }
export const fixup = (req: Request) => pso.fixup(req, MyFileImpl)
${counter.replace(/^import.*\n/, '')}`
  const app = await site(
    t,
    {
      path: {
        '.psoaccess': 'PSOHandler = path1test\nPSOFixupHandler = path1test.ts::fixup',
        'path1test.ts': plugged(`override PATH = '${top}/by-path/'`),
      },
      method: {
        '.psoaccess':
          'PSOHandler = path2test\nPSOFixupHandler = path2test::fixup\nPSOOption = where by-method\nPSOServiceId = shop',
        'path2test.ts': plugged(
          `override getPath (req: any, session: any) { return '${top}/' + req.options.where + '-' + session.serviceId }`,
        ),
      },
    },
    { development: true },
  )
  for (const [url, directory] of [
    ['/path/', 'by-path'],
    ['/method/', 'by-method-shop'],
  ] as const) {
    const jar = new Jar()
    for (const number of [1, 2]) {
      const answer = await app.inject({ url, headers: jar.headers })
      t.equal(visit(answer.body), number, answer.body)
      jar.take(answer.headers)
      // from the second visit on a lock lies beside it
      if (number === 1) t.equal(filesBelow(join(top, directory)).length, 1, directory)
    }
  }
  t.same(filesBelow(join(app.stateDirectory, 'sessions')), [])
})

/** A loader over a table, as the how-to's database example has it. */
const overTable = (file: string): string => `import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { CookieSession, mixin, pso, type Request, SessionImpl } from 'pso'

const db = new DatabaseSync(${JSON.stringify(file)})
db.exec('CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, record TEXT)')

class TableLoader {
  load (id: string) {
    const row = db.prepare('SELECT record FROM session WHERE id = ?').get(id)
    return row && JSON.parse(String(row['record']))
  }
  save (id: string, record: unknown) {
    db.prepare('INSERT OR REPLACE INTO session VALUES (?, ?)').run(id, JSON.stringify(record))
  }
  newSessionId () { return 'own-' + randomBytes(20).toString('base64url') }
}
class TableImpl extends mixin(CookieSession, TableLoader, SessionImpl) {}
export const fixup = (req: Request) => pso.fixup(req, TableImpl)
`

t.test('20: a loader over a database: visits survive a restart, and no id reaches the rows of others', async t => {
  const top = t.testdir()
  const file = join(top, 'visits.db')
  plant(top, {
    conf: { 'server.ini': 'Listen = 127.0.0.1:0\n' },
    public_html: {
      '.psoaccess': 'PSOServiceId = s\nPSOHandler = dbtest\nPSOFixupHandler = dbtest.ts::fixup',
      'dbtest.ts': overTable(file) + counter.replace(/^import.*\n/, "import { OK } from 'pso'\n"),
    },
  })
  const rows = (): unknown[] => {
    const db = new DatabaseSync(file)
    const found = db.prepare('SELECT * FROM session ORDER BY id').all()
    db.close()
    return found.map(row => ({ ...row }))
  }
  const client = new Client(1)
  t.teardown(() => client.close())
  const start = () => startPso(t, ['serve', '--dev', '--config', join(top, 'conf/server.ini')])

  const before = start()
  const first = await client.get(`${await before.url}/`)
  t.equal(visit(first.body), 1, first.body)
  t.match(first.cookie, /^s=own-/)
  t.equal(visit((await client.get(`${await before.url}/`, first.cookie)).body), 2)
  const known = rows()
  t.equal(known.length, 1)
  for (const id of ["x' OR '1'='1", `${first.cookie!.slice(2)}' --`, "' OR 1=1 --"]) {
    const answer = await client.get(`${await before.url}/`, `s=${id}`)
    t.equal(visit(answer.body), 1, id)
    t.match(answer.cookie, /^s=own-/)
  }
  t.equal(rows().length, 4)
  for (const row of known) t.ok(rows().some(other => JSON.stringify(other) === JSON.stringify(row)))
  before.child.kill('SIGTERM')
  t.equal(await before.ended, 0, before.errors())

  const after = start()
  t.equal(visit((await client.get(`${await after.url}/`, first.cookie)).body), 3)
})

t.test('27: 50 increments at once on one session are 50 more', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s',
      'handler.ts': does(`
        const { session } = req.pso()
        const n = session.n ?? 0
        await new Promise(resolve => setTimeout(resolve, 5))
        session.n = n + 1
        return String(session.n)`),
    },
    { development: true },
  )
  const url = `${await app.url()}/`
  const client = new Client(50)
  t.teardown(() => client.close())
  const { body, cookie } = await client.get(url)
  t.equal(body, '1')
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.get(url, cookie)))
  t.equal(new Set(answers.map(answer => answer.body)).size, 50, 'each saw a number of its own')
  t.equal((await client.get(url, cookie)).body, '52')
})

t.test('50: a value that no session can hold is a 500 that names its key; what is stored stays', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s',
      'handler.ts': does(`
        const { session } = req.pso()
        session.n = (session.n ?? 0) + 1
        if (req.args === 'function') session.f = () => 1
        return [session.n, 'f' in session]`),
    },
    { development: true },
  )
  const { headers } = new Jar().take((await app.inject('/')).headers)
  const refused = await app.inject({ url: '/?function', headers })
  t.equal(refused.statusCode, 500)
  t.match(refused.body, 'session.f cannot be kept')
  t.match(app.errorLog(), 'session.f cannot be kept')
  t.same((await app.inject({ url: '/', headers })).json(), [2, false])
})
