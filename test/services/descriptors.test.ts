import { readdirSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Client } from '../support/client.ts'
import { countingPages } from '../support/crowd.ts'
import { does } from '../support/handlers.ts'
import { multipartPost } from '../support/multipart.ts'
import { serveSite } from '../support/served-site.ts'
import { storesWhere } from '../support/stores.ts'
import { until } from '../support/until.ts'

/** How many files and connections each process may have open. */
const LIMIT = 64
const VISITORS = 200

const limited = ['sh', '-c', `ulimit -n ${LIMIT} && exec "$@"`, 'sh']

for (const [name, kind] of storesWhere(() => true))
  t.test(`${name}: more visitors than there are descriptors`, { timeout: 60_000 }, async t => {
    const top = t.testdir()
    const store = await kind.open(t, top)
    if (store === undefined) return
    const site = await serveSite(t, join(top, 'site'), countingPages(store.lines), { under: limited })
    const [worker] = site.workers()

    // its files have been read
    const first = new Client(1)
    t.equal((await first.get(`${site.url}/sessions/count/0/1`)).status, 200)
    first.close()
    const client = new Client(VISITORS)
    const crowd = await Promise.all(
      Array.from({ length: VISITORS }, async () => {
        const { status, cookie } = await client.get(`${site.url}/sessions/count/1/1`)
        return { cookie, statuses: [status, (await client.get(`${site.url}/sessions/count/1/2`, cookie)).status] }
      }),
    )
    client.close()
    const statuses = new Set(crowd.flatMap(({ statuses }) => statuses))
    // 0: a connection that could not be taken; 500: SQLite does not say why it cannot open a file
    t.same(
      [...statuses].filter(status => ![200, 500, 503, 0].includes(status)),
      [],
    )

    const one = new Client(1)
    t.teardown(() => one.close())
    // a store that could not be reached for want of a descriptor is tried again
    let healed = 0
    for (const until = performance.now() + 5000; healed !== 200 && performance.now() < until; await sleep(50))
      healed = (await one.get(`${site.url}/sessions/count/1/1`)).status
    t.equal(healed, 200, 'it heals by itself')
    for (const { cookie } of crowd.filter(({ cookie }) => cookie !== undefined).slice(0, 50)) {
      const { status, body } = await one.get(`${site.url}/sessions/count/1/3`, cookie)
      t.equal(status, 200)
      t.ok(JSON.parse(body).visits >= 2, 'its session is there')
    }
    t.same(site.workers(), [worker], 'nobody has ended')
    t.notMatch(site.errorLog(), /uncaught|unhandled/i)
  })

t.test('files that are sent or uploaded when no descriptor is left: 503, and none is lost', async t => {
  const site = await serveSite(
    t,
    join(t.testdir(), 'site'),
    { files: { '.psoaccess': '', 'handler.ts': does('if (req.args) req.sendfile("handler.ts")') } },
    { under: limited },
  )
  const [worker] = site.workers()
  // one that was passed on to it may have a higher number
  const used = (): number => readdirSync(`/proc/${worker}/fd`).filter(fd => Number(fd) < LIMIT).length
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const { payload, ...post } = multipartPost([{ name: 'up', filename: 'a', content: 'x' }])
  const ask = (query: string, { method = 'GET', headers = {}, body = '' as string | Buffer } = {}): Promise<number> =>
    new Promise((resolve, reject) =>
      request(`${site.url}/files/${query}`, { agent, method, headers }, answer => {
        answer.resume().once('end', () => resolve(answer.statusCode!))
      })
        .once('error', reject)
        .end(body),
    )
  const upload = (): Promise<number> => ask('', { ...post, body: payload })
  t.same([await ask(''), await upload()], [200, 200], 'what they need is loaded, but for the table of types')
  const before = used()
  const port = Number(new URL(site.url).port)
  const held: Socket[] = []
  for (const free of [1, 0]) {
    while (used() < LIMIT - free) {
      const had = used()
      held.push(connect(port, '127.0.0.1').on('error', () => {}))
      await until(() => used() > had)
    }
    for (let round = 0; round < 3; round++) {
      const answers = [await ask('?send'), await upload()]
      t.ok(
        answers.every(status => (free > 0 && status === 200) || status === 503),
        `${free} left: ${answers}`,
      )
      if (free === 0) t.equal(answers[1], 503)
    }
  }
  writeFileSync(join(site.directory, 'public_html/files/.psoaccess'), '# read again')
  let status = 200
  await until(async () => (status = await ask('')) !== 200)
  t.equal(status, 503, 'its configuration may be well')
  t.match(site.errorLog(), /files\/\.psoaccess:1: the file cannot be read: EMFILE/)
  for (const socket of held) socket.destroy()
  await until(() => used() <= before)
  await until(async () => (await ask('')) === 200)
  t.same([await ask('?send'), await upload()], [200, 200])
})
