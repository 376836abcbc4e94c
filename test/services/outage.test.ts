import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Client } from '../support/client.ts'
import { Crowd, countingPages } from '../support/crowd.ts'
import { serveSite } from '../support/served-site.ts'
import type { PrivateServer } from '../support/services/private-server.ts'
import { type Relay, relayTo } from '../support/services/relay.ts'
import { linesFor, storesWhere } from '../support/stores.ts'

/** Within which everybody has an answer, also of a store that says nothing. */
const ANSWER_MS = 5000
/** How soon all is well after the store's return. */
const BACK_MS = 2000
/** How long a page may take that has nothing to do with the store: the machine is busy. */
const NEIGHBOUR_MS = 1000

interface Outage {
  readonly title: string
  /** Resolves when the store is there again. */
  run(server: PrivateServer, relay: Relay): Promise<void>
  /** How often the store is away; several: at least once, at most so often. */
  readonly times: number
}

const outages: readonly Outage[] = [
  {
    title: 'stopped for 10 s',
    times: 1,
    async run(server) {
      await server.stop()
      await sleep(10_000)
      await server.start()
    },
  },
  {
    title: 'behind a way that swallows all',
    times: 1,
    async run(_server, relay) {
      await relay.blackHole()
      await sleep(5000)
      await relay.resume()
    },
  },
  {
    title: 'paused',
    times: 1,
    async run(server) {
      server.pause()
      await sleep(5000)
      server.resume()
    },
  },
  {
    title: 'there and away in turns of 500 ms',
    times: 8,
    async run(_server, relay) {
      for (let time = 0; time < 8; time++) {
        await (time % 2 === 0 ? relay.refuse() : relay.blackHole())
        await sleep(500)
        await relay.resume()
        await sleep(500)
      }
    },
  },
]

for (const [name, kind] of storesWhere(({ place }) => place === 'server'))
  t.test(name, { timeout: 300_000 }, async t => {
    const store = await kind.open(t, '')
    if (store?.server === undefined) return
    const { server } = store
    const relay = await relayTo(t, server.port)
    const site = await serveSite(t, join(t.testdir(), 'site'), {
      ...countingPages(linesFor(relay.url(server.url))),
      file: countingPages('PSOSessionLoader = file:\nPSOServiceId = file'),
      memory: countingPages('PSOSessionLoader = memory:\nPSOServiceId = memory'),
    })
    const [worker] = site.workers()

    for (const { title, run, times } of outages)
      t.test(`the store is ${title}`, async t => {
        const said = site.errorLog().length
        const crowd = await new Crowd({ urls: [site.url] }).start()
        const neighbours = ['/file', '/memory'].map(path => new Crowd({ urls: [site.url + path], visitors: 1 }))
        for (const neighbour of neighbours) await neighbour.start()
        t.teardown(() => [crowd, ...neighbours].forEach(one => one.close()))
        await sleep(1000)
        t.same([...crowd.statuses.keys()], [200])

        await run(server, relay)
        const back = performance.now()
        await crowd.nextGood()
        const backMs = performance.now() - back
        t.ok(backMs < BACK_MS, `back after ${Math.round(backMs)} ms`)
        const before = new Map(crowd.statuses)
        await sleep(500)
        t.equal(crowd.statuses.get(503), before.get(503), 'and stays')

        for (const one of [crowd, ...neighbours]) await one.stop()
        const { visits } = await crowd.look()
        t.same(crowd.wrong, [])
        t.ok(visits >= crowd.numbers.size && visits <= crowd.sent, `${crowd.numbers.size} confirmed, ${visits} there`)
        t.same([...crowd.statuses.keys()].sort(), [200, 503])
        t.ok(crowd.slowest < ANSWER_MS, `everybody was answered within ${Math.round(crowd.slowest)} ms`)
        for (const neighbour of neighbours) {
          t.same([...neighbour.statuses.keys()], [200])
          t.ok(neighbour.slowest < NEIGHBOUR_MS, `a neighbour within ${Math.round(neighbour.slowest)} ms`)
          t.same(neighbour.wrong, [])
        }
        t.same(site.workers(), [worker], 'nobody has ended')
        saysOutages(t, site.errorLog().slice(said), times)
      })

    t.test('the sessions are there after it has been started anew', async t => {
      const crowd = await new Crowd({ urls: [site.url], most: 100 }).start()
      const client = new Client(1)
      t.teardown(() => [crowd, client].forEach(one => one.close()))
      await crowd.done()
      await server.stop()
      await server.start()
      t.equal((await crowd.look()).visits, 100)
    })
  })

/** Once when it goes and once when it is back, however many asked. */
function saysOutages(t: Test, log: string, times: number): void {
  const lines = log.split('\n')
  const gone = lines.filter(line => /the session store \S+ cannot be used: .*503 until it is back/.test(line)).length
  const back = lines.filter(line => /the session store \S+ is back after/.test(line)).length
  t.ok(gone >= 1 && gone <= times, `the log says ${gone} outages of ${times}`)
  t.equal(back, gone, `and ${back} returns`)
  t.notMatch(log, /uncaught|unhandled|ended with|ended by/i)
  const others = lines.filter(line => /\[error\]/.test(line) && !/the session store/.test(line))
  t.same(others.slice(0, 3), [], `${others.length} other lines`)
}
