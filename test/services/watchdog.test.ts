import { join } from 'node:path'
import t from 'tap'
import { does } from '../support/handlers.ts'
import { serveSite } from '../support/served-site.ts'
import { until } from '../support/until.ts'

// each loop takes the limit of six seconds of computing
t.jobs = 2

const counts = 'const { session } = req.pso(); session.n = (session.n ?? 0) + 1; '
const shared = 'PSOServiceId = s\ns = shared'

t.test('a loop in another realm, and in a module that is loaded; a server that had them ends as any other', async t => {
  const site = await serveSite(
    t,
    t.testdir({}),
    {
      module: { '.psoaccess': '', 'handler.ts': 'for (;;) {}\nexport const handler = () => "never"\n' },
      realm: { '.psoaccess': '', 'handler.ts': `import vm from 'node:vm'\n${does("vm.runInNewContext('for (;;);')")}` },
    },
    { alone: true },
  )
  t.equal((await fetch(`${site.url}/realm/`)).status, 503)
  const module = await fetch(`${site.url}/module/`)
  t.match([module.status, await module.text()], [503, /module\/handler\.ts:1/])
  process.kill(site.pid, 'SIGTERM')
  await until(() => site.ended() !== undefined)
  t.equal(site.ended(), 0)
})

t.test(
  'a loop in a timer, and in what the turn of an answer begins with: the answer comes, and those that follow',
  async t => {
    const loops = '{ for (;;); }'
    const site = await serveSite(
      t,
      t.testdir({}),
      {
        timer: { '.psoaccess': '', 'handler.ts': does(`await new Promise(() => setTimeout(() => ${loops}))`) },
        turn: { '.psoaccess': '', 'handler.ts': does(`setImmediate(() => ${loops}); return 'answered'`) },
      },
      { alone: true },
    )
    t.equal((await fetch(`${site.url}/timer/`)).status, 503)
    t.equal(await (await fetch(`${site.url}/turn/`)).text(), 'answered')
    t.match(await (await fetch(`${site.url}/pid/`)).text(), /^\d+$/)
    t.match(site.errorLog(), /GET \/turn\/ 500: HandlerTimeout: .*\/turn\/handler\.ts:4/)
  },
)

t.test('in production the worker is replaced, too, and nobody is refused meanwhile', async t => {
  const site = await serveSite(t, t.testdir({}), {
    turns: { '.psoaccess': '', 'handler.ts': does('await null\nfor (;;) await null') },
  })
  const [before] = site.workers()
  const answer = await fetch(`${site.url}/turns/`)
  t.equal(answer.status, 503)
  t.notMatch(await answer.text(), /handler/)
  await until(async () => {
    const page = await fetch(`${site.url}/pid/`, { headers: { connection: 'close' } })
    return Number(await page.text()) !== before && site.workers().length === 1
  })
  t.match(site.errorLog(), /\[error\].*GET \/turns\/ 503: HandlerTimeout: .*\/turns\/handler\.ts:5/)
  t.match(
    site.errorLog(),
    new RegExp(`worker ${before} has ended code in the midst of its work; another takes its place`),
  )
})

t.test('a stop that comes during the loop: no other worker takes its place, and the server ends', async t => {
  const site = await serveSite(t, t.testdir({}), { loop: { '.psoaccess': '', 'handler.ts': does('for (;;);') } })
  const answer = fetch(`${site.url}/loop/`)
  // it loops when nobody else is served
  await until(async () => {
    const signal = AbortSignal.timeout(500)
    return await fetch(`${site.url}/pid/`, { signal, headers: { connection: 'close' } }).then(
      () => false,
      () => true,
    )
  })
  process.kill(site.pid, 'SIGTERM')
  t.equal((await answer).status, 503)
  await until(() => site.ended() !== undefined)
  t.equal(site.ended(), 0)
})

t.test(
  'what only waits is left alone, though another thread computes; what they are given first is not for this one',
  async t => {
    const directory = t.testdir({
      'preload.mjs': `import { isMainThread, workerData } from 'node:worker_threads'
      if (!isMainThread && workerData.length === 2) console.error('preloaded')`,
    })
    const site = await serveSite(
      t,
      directory,
      {
        waits: {
          '.psoaccess': '',
          'handler.ts': `import { Worker } from 'node:worker_threads'
const thread = \`const { workerData } = require('node:worker_threads')
for (let used = 0; used < 9e6; used = process.threadCpuUsage().user + process.threadCpuUsage().system);
Atomics.notify(workerData, 0)\`
${does(`
  const shared = new Int32Array(new SharedArrayBuffer(4))
  new Worker(thread, { eval: true, workerData: shared })
  Atomics.wait(shared, 0, 0)
  return 'waited'`)}`,
        },
      },
      { alone: true, under: ['env', `NODE_OPTIONS=--import=${join(directory, 'preload.mjs')}`] },
    )
    t.equal(await (await fetch(`${site.url}/waits/`)).text(), 'waited')
    t.equal(site.errorLog(), '')
  },
)

t.test('a worker that keeps sessions in its memory stays', async t => {
  const site = await serveSite(t, t.testdir({}), {
    '.psoaccess': `PSOSessionLoader = memory:\n${shared}`,
    counter: { '.psoaccess': '', 'handler.ts': does(`${counts} return String(session.n)`) },
    loop: { '.psoaccess': '', 'handler.ts': does('for (;;);') },
  })
  const get = async (path: string): Promise<string> => (await fetch(`${site.url}${path}`)).text()
  t.equal(await get('/counter/'), '1')
  t.match(await get('/loop/'), /503/)
  t.equal(await get('/counter/'), '2')
  t.notMatch(site.errorLog(), /takes its place/)
})
