import { join } from 'node:path'
import t from 'tap'
import { filesBelow } from '../support/files-below.ts'
import { counter, does, Jar, says, visit } from '../support/handlers.ts'
import { plant, site } from '../support/site.ts'

/** The counter, which also tells the id: there is none before a session is begun. */
const countsWithId = does(`
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  req.pso().setHeaderOut('X-Id', String(session.id))
  req.write(\`visit number: \${session.visits}\`)
  return OK`)

t.test('1: a directory with a .psoaccess and a handler is live, without a restart', async t => {
  const app = await site(t, {}, { development: true })
  t.equal((await app.inject('/hello/')).statusCode, 404)
  plant(join(app.root, 'hello'), {
    '.psoaccess': 'AddHandler = pso-program .ts\nPSOHandler = handler\n',
    'handler.ts': says('Hello World!'),
  })
  const answer = await app.inject('/hello/')
  t.same([answer.statusCode, answer.body], [200, 'Hello World!'])
})

t.test('2: the first visit is number 1 and gets one cookie; the next are 2 and 3 in the same session', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': countsWithId }, { development: true })
  const first = await app.inject('/')
  t.equal(first.statusCode, 200)
  t.match(first.body, 'visit number: 1')
  t.equal([first.headers['set-cookie'] ?? []].flat().length, 1)
  const jar = new Jar().take(first.headers)
  for (const number of [2, 3]) {
    const next = await app.inject({ url: '/', headers: jar.headers })
    t.equal(visit(next.body), number)
    t.equal(next.headers['set-cookie'], undefined)
    t.equal(next.headers['x-id'], jar.value('localhost.handler'))
  }
})

t.test('3: each of two visitors counts on their own', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': counter }, { development: true })
  const jars = [new Jar(), new Jar()]
  for (const number of [1, 2, 3])
    for (const jar of jars) {
      const answer = await app.inject({ url: '/', headers: jar.headers })
      jar.take(answer.headers)
      t.equal(visit(answer.body), number)
    }
})

t.test('4: PSOServiceId is the name of the cookie; without it host and module are', async t => {
  const app = await site(
    t,
    {
      named: { '.psoaccess': 'PSOServiceId = MI6Service', 'handler.ts': counter },
      shop: { '.psoaccess': 'PSOHandler = till', 'till.ts': counter },
    },
    { development: true, ini: 'ServerName = www.example.test' },
  )
  t.same(new Jar().take((await app.inject('/named/')).headers).names, ['MI6Service'])
  const [name = ''] = new Jar().take((await app.inject('/shop/')).headers).names
  t.match(name, 'www.example.test')
  t.match(name, 'till')
  t.notMatch(name, 'SESSION_ID')
})

t.test('5: a forced id is one session for all, whatever cookie they bring', async t => {
  const tree = { '.psoaccess': 'PSOServiceId = MI6Service\nMI6Service = 007', 'handler.ts': countsWithId }
  const app = await site(t, tree, { development: true })
  const visitors = [{}, {}, {}, { cookie: 'MI6Service=other' }]
  for (const [index, headers] of visitors.entries()) {
    const answer = await app.inject({ url: '/', headers })
    t.equal(visit(answer.body), index + 1)
    t.equal(answer.headers['x-id'], '007')
    t.equal(answer.headers['set-cookie'], undefined)
  }
})

t.test('48: a listing of 20 entries and a DirectoryIndex hit begin one session and send one cookie', async t => {
  const entries = Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`${number}.txt`, 'text']))
  const begins = `
export const fixup = async (req: any) => {
  const session = await req.pso().getSession()
  session.fixups = (session.fixups ?? 0) + 1
  req.pso().setHeaderOut('X-Fixups', session.fixups)
}
export const handler = () => 'the index'
`
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s\nPSOFixupHandler = begins.ts',
      'begins.ts': begins,
      list: { '.psoaccess': 'Options = +Indexes', ...entries },
      index: { '.psoaccess': 'PSOHandler = ../begins.ts | .html', 'index.html': 'a file' },
    },
    { development: true },
  )
  for (const [index, [url, text]] of (
    [
      ['/list/', '19.txt'],
      ['/index/', 'the index'],
    ] as const
  ).entries()) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 200)
    t.match(answer.body, text)
    t.equal(answer.headers['x-fixups'], '1')
    t.equal([answer.headers['set-cookie'] ?? []].flat().length, 1)
    t.equal(filesBelow(join(app.stateDirectory, 'sessions')).length, index + 1)
  }
})

t.test('49: two services are two cookies and two sessions; getSession twice is one object and one cookie', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = one',
      'handler.ts': does(`
        const service = req.pso()
        const session = await service.getSession()
        const other = await service.getSession(undefined, { PSOServiceId: 'Other' })
        session.n = (session.n ?? 0) + 1
        if (req.args === 'both') other.n = (other.n ?? 10) + 1
        const again = await service.getSession(undefined, { PSOServiceId: 'Other' })
        return [session.n, other.n, (await service.getSession()) === session && service.session === session, again === other]`),
    },
    { development: true },
  )
  const jar = new Jar()
  const first = await app.inject('/?both')
  t.same(first.json(), [1, 11, true, true])
  t.equal([first.headers['set-cookie'] ?? []].flat().length, 2)
  t.same(jar.take(first.headers).names.sort(), ['Other', 'one'])
  t.not(jar.value('one'), jar.value('Other'))
  t.same((await app.inject({ url: '/', headers: jar.headers })).json(), [2, 11, true, true])
  t.same((await app.inject({ url: '/?both', headers: jar.headers })).json(), [3, 12, true, true])
})
