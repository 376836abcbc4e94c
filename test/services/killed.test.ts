import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Client } from '../support/client.ts'
import { Crowd, countingPages } from '../support/crowd.ts'
import { serveSite } from '../support/served-site.ts'
import { storesWhere } from '../support/stores.ts'
import { until } from '../support/until.ts'

const KILLS = 20
const WRITES = 500
/** How soon the lock of a process of this machine that was killed is to be free. */
const FREE_MS = 2000

for (const [name, kind] of storesWhere(({ outlives }) => outlives))
  t.test(name, { timeout: 300_000 }, async t => {
    const top = t.testdir()
    const store = await kind.open(t, top)
    if (store === undefined) return
    const tree = countingPages(store.lines)
    const start = (name: string) => serveSite(t, join(top, name), tree)
    const survivor = await start('survivor')

    t.test(`kill -9 in the middle of ${WRITES} writes, ${KILLS} times: what was confirmed is there`, async t => {
      let victim = await start('victim')
      const urls = [victim.url, survivor.url]
      const crowd = await new Crowd({ urls, visitors: 16 }).start()
      t.teardown(() => crowd.close())
      for (let kill = 1; kill <= KILLS; kill++) {
        const [worker] = victim.workers()
        // of which about half are the victim's
        const written = crowd.sent
        const middle = 1 + Math.random() * (WRITES / 2 - 1)
        while ((crowd.pids.get(worker!) ?? 0) < middle) await sleep(1)
        await victim.kill()
        while (crowd.sent < written + WRITES) await sleep(1)
        victim = await start('victim')
        urls[0] = victim.url
      }
      await crowd.stop()
      const { visits } = await crowd.look()
      t.same(crowd.wrong, [])
      t.ok(visits >= crowd.numbers.size && visits <= crowd.sent, `${crowd.numbers.size} confirmed, ${visits} there`)
      t.ok(crowd.numbers.size > KILLS * WRITES * 0.5, `${crowd.numbers.size} of ${crowd.sent} confirmed`)
      t.ok(crowd.pids.size > KILLS, 'each that was killed had served')
      t.same([...crowd.statuses.keys()].sort(), [0, 200], 'the survivor answered all')
    })

    t.test('the lock of a killed server is free within 2 s', async t => {
      const victim = await start('holder')
      const crowd = await new Crowd({ urls: [survivor.url], visitors: 1, most: 1 }).start()
      const client = new Client(2)
      t.teardown(() => [crowd, client].forEach(one => one.close()))
      await crowd.done()
      const held = client.get(`${victim.url}/sessions/hold/`, crowd.cookie)
      const other = `${survivor.url}/sessions/count/0/2`
      await until(() => existsSync(join(top, 'holder/public_html/sessions/hold/held')))
      const waiting = client.get(other, crowd.cookie)
      t.equal(await Promise.race([waiting, sleep(500, 'waits')]), 'waits')
      await victim.kill()
      const killed = performance.now()
      t.equal((await waiting).status, 200)
      const freeMs = performance.now() - killed
      t.ok(freeMs < FREE_MS, `free after ${Math.round(freeMs)} ms`)
      t.equal((await held).status, 0)
      t.equal(JSON.parse((await waiting).body).visits, 2)
    })
  })
