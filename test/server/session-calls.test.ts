import t from 'tap'
import { does, Jar } from '../support/handlers.ts'
import { redisServer } from '../support/services/redis-server.ts'
import { site } from '../support/site.ts'
import { until } from '../support/until.ts'

/** Runs the query as the body of a handler. */
const runs = does(`
  const { session } = req.pso()
  const later = ms => new Promise(resolve => setTimeout(resolve, ms))
  return new Function('session', 'req', 'later', 'ServerReturn', 'return (async () => {' + decodeURIComponent(req.args) + '})()')(session, req, later, ServerReturn)`)

const run = (code: string): string => `/?${encodeURIComponent(code)}`

t.test('a session that a handler opens while its answer leaves is let go with the request', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\nPSOSessionLockWait = 1\nPSOFixupHandler = none.ts::none',
    'none.ts': 'export const none = () => {}',
    'handler.ts': does(`
      if (req.args !== 'late') {
        const session = await req.pso().getSession()
        session.n = (session.n ?? 0) + 1
        return String(session.n)
      }
      // the client takes its time: the answer is made and has not left
      setTimeout(async () => {
        const session = await req.pso().getSession()
        try { session.late = 1 } catch {}
        ;(globalThis as any).opened = true
      }, 50)
      return 'x'.repeat(20_000_000)`),
  })
  const { headers } = new Jar().take((await app.inject('/')).headers)
  const answer = await fetch(`${await app.url()}/?late`, { headers: headers as Record<string, string> })
  await until(() => 'opened' in globalThis)
  Reflect.deleteProperty(globalThis, 'opened')
  t.equal((await answer.text()).length, 20_000_000)
  t.equal((await app.inject({ url: '/', headers })).body, '2')
})

t.test('two forced ids are two sessions, and neither is the one of the visitor', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const { headers } = new Jar().take((await app.inject(run('session.who = "visitor"'))).headers)
  const code = `
    const a = await req.pso().getSession(undefined, { PSOSessionId: 'a' })
    const b = await req.pso().getSession(undefined, { PSOSessionId: 'b' })
    a.who ??= 'a'; b.who ??= 'b'
    return [session.who, a.who, b.who, a === await req.pso().getSession(undefined, { PSOSessionId: 'a' })].join()`
  t.equal((await app.inject({ url: run(code), headers })).body, 'visitor,a,b,true')
  t.equal((await app.inject(run(code))).body, ',a,b,true', 'they were stored apart')
})

t.test('after the answer no id changes any more and no session begins', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': runs })
  const said: string[] = []
  Object.assign(globalThis, { said })
  t.teardown(() => Reflect.deleteProperty(globalThis, 'said'))
  const late = (code: string): string =>
    run(`setTimeout(() => session.${code}.then(() => said.push('done'), error => said.push(error.code)), 30)`)
  const { headers } = new Jar().take((await app.inject(run('session.n = 1'))).headers)
  await app.inject({ url: late('regenerate()'), headers })
  await app.inject(late('save()'))
  await until(() => said.length === 2)
  t.same(said, ['too-late', 'too-late'])
  t.equal((await app.inject({ url: run('return String(session.n)'), headers })).body, '1')
})

t.test('a handler that throws: what it saved itself stays, though it did not await it, on every loader', async t => {
  const redis = await redisServer(t)
  for (const loader of ['memory:', 'file:', ...(redis === undefined ? [] : [redis.url])]) {
    const app = await site(t, { '.psoaccess': `PSOServiceId = s\nPSOSessionLoader = ${loader}`, 'handler.ts': runs })
    const { headers } = new Jar().take((await app.inject(run('session.n = 1'))).headers)
    const failed = await app.inject({
      url: run('session.n = 2; session.save(); session.n = 3; throw new Error("oops")'),
      headers,
    })
    t.equal(failed.statusCode, 500)
    t.equal((await app.inject({ url: run('return String(session.n)'), headers })).body, '2', loader.slice(0, 6))
  }
})
