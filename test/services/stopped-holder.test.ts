import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Client } from '../support/client.ts'
import { countingPages } from '../support/crowd.ts'
import { does } from '../support/handlers.ts'
import { serveSite } from '../support/served-site.ts'
import { storesWhere } from '../support/stores.ts'
import { until } from '../support/until.ts'

/** For longer than a lease in a store on the network, which is 9 s. */
const STOPPED_MS = 12_000

/** Holds the session until its server was stopped and goes on, from when there is a file `held` in its directory. */
const slow = does(`
const { session } = req.pso()
const { visits } = session
;(await import('node:fs')).writeFileSync(req.filename + '/held', '')
await new Promise(resolve => setTimeout(resolve, 1000))
session.visits = visits + 100
req.write(String(session.visits))`)

// each of them waits most of the time
t.jobs = 5
for (const [name, kind] of storesWhere(({ outlives }) => outlives))
  t.test(
    `${name}: a server is stopped with a lock, and goes on after 12 s`,
    { buffered: true, timeout: 60_000 },
    async t => {
      const top = t.testdir()
      const store = await kind.open(t, top)
      if (store === undefined) return
      const { sessions } = countingPages(store.lines)
      const tree = { sessions: { ...(sessions as object), slow: { '.psoaccess': '', 'handler.ts': slow } } }
      // one process: a primary would put another worker in the place of one that is silent for 30 s
      const [holder, other] = await Promise.all([
        serveSite(t, join(top, 'holder'), tree, { alone: true }),
        serveSite(t, join(top, 'other'), tree, { alone: true }),
      ])
      const client = new Client(4)
      t.teardown(() => client.close())
      const { cookie } = await client.get(`${holder.url}/sessions/count/0/1`)
      const count = async (number: number) => {
        const { status, body, ms } = await client.get(`${other.url}/sessions/count/0/${number}`, cookie)
        return { status, ms, visits: status === 200 ? JSON.parse(body).visits : undefined }
      }

      const held = client.get(`${holder.url}/sessions/slow/`, cookie)
      await until(() => existsSync(join(top, 'holder/public_html/sessions/slow/held')))
      process.kill(holder.pid, 'SIGSTOP')
      const stopped = performance.now()
      const waited = await count(2)
      if (kind.place === 'server') {
        t.match(waited, { status: 200, visits: 2 }, 'its lease is over before a wait for the lock is')
        t.ok(waited.ms > 5000, `not before: ${Math.round(waited.ms)} ms`)
        t.match(await count(3), { status: 200, visits: 3 })
      } else {
        t.match(waited, { status: 503 }, 'it can be seen to live: who waits is told after PSOSessionLockWait')
        t.ok(waited.ms > 9000 && waited.ms < 12_000, `${Math.round(waited.ms)} ms`)
      }
      await sleep(STOPPED_MS - (performance.now() - stopped))
      process.kill(holder.pid, 'SIGCONT')
      const late = await held
      if (kind.place === 'server') {
        t.equal(late.status, 503, 'who has lost its lock writes nothing')
        t.match(holder.errorLog(), /the session was changed or ended by another request meanwhile/)
        t.match(await count(4), { status: 200, visits: 4 }, 'nothing is lost')
      } else {
        t.equal(`${late.status} ${late.body}`, '200 101', 'what it saves stands')
        t.match(await count(3), { status: 200, visits: 102 })
      }
      const again = await client.get(`${holder.url}/sessions/count/0/5`, cookie)
      t.equal(again.status, 200, 'and the holder serves on')
      t.notMatch(holder.errorLog(), /uncaught|unhandled/i)
    },
  )
