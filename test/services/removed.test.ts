import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Client } from '../support/client.ts'
import { countingPages } from '../support/crowd.ts'
import { serveSite } from '../support/served-site.ts'
import { storesWhere } from '../support/stores.ts'

const VISITORS = 16
const TIMES = 20
const EACH_MS = 200

/** What is removed, by store: the place, or it and all beside it. */
const removals = [
  ['it', (path: string) => [path]],
  ['it and what belongs to it', (path: string) => [path, `${path}-wal`, `${path}-shm`, `${path}.locks`]],
] as const

for (const [name, kind] of storesWhere(({ place }) => place === 'disk'))
  for (const [what, filesOf] of name === 'file' ? removals.slice(0, 1) : removals)
    t.test(`${name}: somebody removes ${what} again and again`, { timeout: 60_000 }, async t => {
      const top = t.testdir()
      const store = (await kind.open(t, top))!
      const tree = countingPages(store.lines)
      const site = await serveSite(t, join(top, 'site'), tree, { workers: 2 })
      const workers = site.workers()
      const client = new Client(VISITORS + 1)
      t.teardown(() => client.close())

      let isOver = false
      const statuses = new Map<number, number>()
      const visitor = async (_: unknown, number: number): Promise<string> => {
        let cookie: string | undefined
        while (!isOver) {
          const answer = await client.get(`${site.url}/sessions/count/${number}/1`, cookie)
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
          cookie = answer.cookie ?? cookie
        }
        return cookie!
      }
      const visitors = Array.from({ length: VISITORS }, visitor)
      const neighbours: number[] = []
      for (let time = 0; time < TIMES; time++) {
        await sleep(EACH_MS)
        for (const file of filesOf(store.path!)) rmSync(file, { recursive: true, force: true, maxRetries: 10 })
        neighbours.push((await client.get(`${site.url}/plain.txt`)).status)
      }
      isOver = true
      const cookies = await Promise.all(visitors)
      t.same(
        [...statuses.keys()].filter(status => ![200, 500, 503].includes(status)),
        [],
        'answered by a page or 5xx',
      )
      t.ok(statuses.get(200)! > 1000, `${statuses.get(200)} pages`)
      t.same(new Set(neighbours), new Set([200]))

      // by then who trusts what it has open has looked again
      await sleep(2000)
      for (const cookie of cookies) {
        const first = await client.get(`${site.url}/sessions/count/0/1`, cookie)
        const numbers = [JSON.parse(first.body).visits]
        for (let time = 0; time < 4; time++) {
          const answer = await client.get(`${site.url}/sessions/count/0/1`, first.cookie ?? cookie)
          numbers.push(JSON.parse(answer.body).visits)
        }
        t.same(
          numbers,
          [0, 1, 2, 3, 4].map(more => numbers[0] + more),
        )
      }
      t.same(site.workers(), workers, 'nobody has ended')
      t.notMatch(site.errorLog(), /uncaught|unhandled/i)
    })
