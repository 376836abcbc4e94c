import t from 'tap'
import { does, Jar } from '../support/handlers.ts'
import { site, type TestSite } from '../support/site.ts'

/** Runs the query as the body of a handler; `wait` lets all requests of a test read before one writes. */
const runs = does(`
  const { session } = req.pso()
  const wait = () => new Promise(resolve => setTimeout(resolve, 20))
  await new Function('session', 'wait', 'return (async () => {' + decodeURIComponent(req.args) + '})()')(session, wait)
  return JSON.stringify(session)`)

const modes = ['on', 'merge', 'off'] as const

async function begun(t: Parameters<typeof site>[0], mode: string) {
  const app = await site(t, {
    '.psoaccess': `PSOServiceId = s\nPSOSessionLock = ${mode}\nPSOSessionMaxSize = 1000`,
    'handler.ts': runs,
  })
  const { headers } = new Jar().take((await run(app, 'session.n = 0; session.list = []')).headers)
  return { app, headers, data: async () => JSON.parse((await run(app, '', headers)).body) }
}

const run = (app: TestSite, code: string, headers = {}) => app.inject({ url: `/?${encodeURIComponent(code)}`, headers })

t.test('requests at once that change keys of their own: all are kept, with on and with merge', async t => {
  for (const mode of ['on', 'merge']) {
    const { app, headers, data } = await begun(t, mode)
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, number) => run(app, `await wait(); session.key${number} = ${number}`, headers)),
    )
    for (const { statusCode } of answers) t.equal(statusCode, 200)
    t.same(await data(), { n: 0, list: [], key0: 0, key1: 1, key2: 2, key3: 3 }, mode)
  }
})

t.test('with merge and off nobody waits for another', async t => {
  for (const mode of ['merge', 'off']) {
    const { app, headers, data } = await begun(t, mode)
    const slow = run(app, 'await new Promise(resolve => globalThis.go = resolve); session.slow = 1', headers)
    while (!('go' in globalThis)) await new Promise(setImmediate)
    t.equal((await run(app, 'session.fast = 1', headers)).statusCode, 200)
    ;(globalThis as unknown as { go: () => void }).go()
    Reflect.deleteProperty(globalThis, 'go')
    t.equal((await slow).statusCode, 200)
    const kept = await data()
    t.equal(kept.slow, 1)
    if (mode === 'merge') t.equal(kept.fast, 1, 'both')
    else t.notOk('fast' in kept, 'the later save stands as a whole')
  }
})

t.test('update is exact in every mode', async t => {
  for (const mode of modes) {
    const { app, headers, data } = await begun(t, mode)
    const code = 'await session.update(async s => { const { n } = s; await wait(); s.n = n + 1; s.list.push(n) })'
    const answers = await Promise.all(Array.from({ length: 10 }, () => run(app, code, headers)))
    for (const { statusCode } of answers) t.equal(statusCode, 200, mode)
    t.same(await data(), { n: 10, list: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }, mode)
  }
})

t.test('PSOSessionMaxSize: 500, the largest key in the log, and the session as it was', async t => {
  const { app, headers, data } = await begun(t, 'on')
  t.equal((await run(app, "session.n = 1; session.cart = 'secret'.repeat(200)", headers)).statusCode, 500)
  t.match(app.errorLog(), /PSOSessionMaxSize is 1000: the largest key is session\.cart with 1211/)
  t.notMatch(app.errorLog(), /secretsecret/)
  t.same(await data(), { n: 0, list: [] })
})
