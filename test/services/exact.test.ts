import { join } from 'node:path'
import t from 'tap'
import { Client } from '../support/client.ts'
import { Crowd, countingPages } from '../support/crowd.ts'
import { serveSite } from '../support/served-site.ts'
import { storesWhere } from '../support/stores.ts'

const INCREMENTS = 10_000
const APPENDS = 5000
const CONCURRENCY = 64

/** Title, servers, workers of each. */
const sites = [
  ['one server', 1, 1],
  ['one server of two workers', 1, 2],
  ['two servers', 2, 1],
] as const

for (const [name, kind] of storesWhere(() => true))
  t.test(name, { timeout: 300_000 }, async t => {
    const store = await kind.open(t, t.testdir())
    if (store === undefined) return
    for (const [title, servers, workers] of sites) {
      if (kind.place === 'process' && servers * workers > 1) continue
      t.test(title, async t => {
        const top = t.testdir()
        const started = await Promise.all(
          Array.from({ length: servers }, (_, at) =>
            serveSite(t, join(top, `${at}`), countingPages(store.lines), { workers }),
          ),
        )
        const urls = started.map(({ url }) => url)

        t.test(`${INCREMENTS} increments of one session`, async t => {
          const crowd = new Crowd({ urls, visitors: CONCURRENCY, most: INCREMENTS })
          t.teardown(() => crowd.close())
          await (await crowd.start()).done()
          t.same([...crowd.statuses], [[200, INCREMENTS]])
          t.same(crowd.wrong, [])
          t.equal(crowd.pids.size, servers * workers, 'all processes took part')
          t.equal((await crowd.look()).visits, INCREMENTS)
        })

        t.test(`${APPENDS} appends to one array`, async t => {
          const client = new Client(CONCURRENCY)
          t.teardown(() => client.close())
          const { cookie } = await client.get(`${urls[0]}/sessions/append/0`)
          let sent = 1
          const visitor = async (): Promise<void> => {
            while (sent < APPENDS) {
              const number = sent++
              const answer = await client.get(`${urls[number % servers]}/sessions/append/${number}`, cookie)
              if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`)
            }
          }
          await Promise.all(Array.from({ length: CONCURRENCY }, visitor))
          const { list } = JSON.parse((await client.get(`${urls[0]}/sessions/look/`, cookie)).body)
          t.equal(list.length, APPENDS)
          t.equal(new Set(list).size, APPENDS, 'each is there once')
        })
      })
    }
  })
