import { join } from 'node:path'
import t from 'tap'
import { does } from '../../support/handlers.ts'
import { serveSite } from '../../support/served-site.ts'
import { until } from '../../support/until.ts'

// each loop takes the limit of six seconds of computing
t.jobs = 2

const counts = 'const { session } = req.pso(); session.n = (session.n ?? 0) + 1; '
const shared = 'PSOServiceId = s\ns = shared'

t.test('a loop that does not end, in development: 503 with its line, its session free, and others go on', async t => {
  const site = await serveSite(
    t,
    t.testdir({}),
    {
      counter: { '.psoaccess': shared, 'handler.ts': does(`${counts} return String(session.n)`) },
      loop: {
        '.psoaccess': shared,
        'handler.ts': does(`${counts}\ntry {\nfor (;;) try { null!.x } catch {}\n} finally { req.write('x') }`),
      },
      module: { '.psoaccess': '', 'handler.ts': 'for (;;) {}\nexport const handler = () => "never"\n' },
      realm: { '.psoaccess': '', 'handler.ts': `import vm from 'node:vm'\n${does("vm.runInNewContext('for (;;);')")}` },
      slow: {
        '.psoaccess': '',
        'handler.ts': does(
          'if (req.args === undefined) await new Promise(resolve => setTimeout(resolve, 1000)); return "slow"',
        ),
      },
    },
    { alone: true },
  )
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`${site.url}${path}`)
    return `${answer.status} ${await answer.text()}`
  }
  t.equal(await get('/counter/'), '200 1')
  t.equal(await get('/slow/?at-once'), '200 slow', 'its module is loaded')
  const slow = get('/slow/')
  const looped = await get('/loop/')
  t.match(looped, /^503 .*a loop without an end\? 6 s of computing without a pause.*loop\/handler\.ts:6/s)
  t.match(looped, /&#62; 6 \| for \(;;\)/, 'in development the page shows the line')
  t.equal(await slow, '200 slow')
  t.equal(await get('/counter/'), '200 2', 'the session is as it was')
  t.match(await get('/realm/'), /^503 /, 'in a context that has globals of its own')
  t.equal(await get('/plain.txt'), '200 a static file')
  t.match(site.errorLog(), /\[error\].*GET \/loop\/ 503: HandlerTimeout: .*\/loop\/handler\.ts:6/)
  t.match(await get('/module/'), /^503 .*module\/handler\.ts:1/s)
  process.kill(site.pid, 'SIGTERM')
  await until(() => site.ended() !== undefined)
  t.equal(site.ended(), 0, 'and it ends as any other')
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
