import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { counter, Jar, says, visit } from '../support/handlers.ts'
import { site } from '../support/site.ts'

t.test('a directory with an empty .psoaccess and a handler.ts counts visits', async t => {
  const app = await site(t, { quick: { '.psoaccess': '', 'handler.ts': counter } })
  const jar = new Jar()
  const first = await app.inject('/quick/')
  t.equal(first.statusCode, 200)
  t.equal(first.headers['content-type'], 'text/html; charset=utf-8')
  t.equal(first.body, 'Hello World! ~ Your visit number: 1 ~ Try Reload!')
  t.same(jar.take(first.headers).names, ['localhost.quick.handler'])
  t.match(first.headers['set-cookie'], /; Path=\/.*HttpOnly/)
  t.notMatch(first.headers['set-cookie'], /expires|max-age|secure/i, 'it ends with the browser, over http')
  for (const number of [2, 3]) {
    const next = await app.inject({ url: '/quick/', headers: jar.headers })
    t.equal(visit(next.body), number)
    t.equal(next.headers['set-cookie'], undefined, 'the id is known, no second cookie')
  }
})

t.test('a directory dropped while the server runs is live with the next request', async t => {
  const app = await site(t, { 'index.html': 'home' }, { development: true })
  t.equal((await app.inject('/new/')).statusCode, 404)
  mkdirSync(join(app.root, 'new'))
  writeFileSync(join(app.root, 'new', 'handler.ts'), counter)
  t.equal((await app.inject('/new/')).statusCode, 403, 'a handler.ts alone is inert, and there is no listing')
  writeFileSync(join(app.root, 'new', '.psoaccess'), '')
  t.equal(visit((await app.inject('/new/')).body), 1)
  rmSync(join(app.root, 'new', '.psoaccess'))
  t.equal((await app.inject('/new/')).statusCode, 403)
})

t.test('production sees a change within a second, by its own looking', async t => {
  let now = Date.now()
  const app = await site(t, { a: { '.psoaccess': '', 'handler.ts': says('old') } }, { now: () => now })
  t.equal((await app.inject('/a/')).body, 'old')
  writeFileSync(join(app.root, 'a', 'handler.ts'), says('new text'))
  now += 1001
  t.equal((await app.inject('/a/')).body, 'new text')
  writeFileSync(join(app.root, 'a', '.psoaccess'), 'Nonsense = 1\n')
  now += 1001
  t.equal((await app.inject('/a/')).statusCode, 500)
  writeFileSync(join(app.root, 'a', '.psoaccess'), '')
  now += 1001
  t.equal((await app.inject('/a/')).body, 'new text')
})

t.test('a visitor who only reads gets no cookie and no session file', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': 'export const handler = (req: any) => String(req.pso().session.visits)\n',
  })
  const answer = await app.inject('/')
  t.equal(answer.body, 'undefined')
  t.equal(answer.headers['set-cookie'], undefined)
})

t.test('two directories with a handler.ts each serve their own, below them too', async t => {
  const app = await site(t, {
    a: { '.psoaccess': '', 'handler.ts': says('a') },
    b: { '.psoaccess': '', 'handler.ts': says('b'), deeper: { 'x.txt': 'file' } },
  })
  t.equal((await app.inject('/a/')).body, 'a')
  t.equal((await app.inject('/b/')).body, 'b')
  t.equal((await app.inject('/b/any/thing')).body, 'b')
  t.equal((await app.inject('/b/deeper/')).body, 'b', 'an inherited handler')
  t.equal((await app.inject('/b/deeper/x.txt')).body, 'file')
})

t.test('a clock that is set back hides no handler file', async t => {
  let now = Date.now()
  const app = await site(t, { a: { '.psoaccess': '' } }, { now: () => now })
  t.equal((await app.inject('/a/')).statusCode, 403)
  now -= 60 * 60 * 1000
  writeFileSync(join(app.root, 'a', 'handler.ts'), says('there'))
  t.equal((await app.inject('/a/')).body, 'there')
})
