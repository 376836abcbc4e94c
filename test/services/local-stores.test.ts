import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { get } from '../support/get.ts'
import { counter, does, visit } from '../support/handlers.ts'
import { type PsoProcess, startPso } from '../support/pso-process.ts'
import { smallDisk } from '../support/small-disk.ts'
import { stores } from '../support/stores.ts'

const local = ['file', 'sqlite'] as const

/** A server of the site in `dir` whose sessions are below `store`. */
async function serve(t: Test, name: string, dir: string, store: string): Promise<{ server: PsoProcess; url: string }> {
  writeFileSync(join(dir, 'public_html/.psoaccess'), `PSOServiceId = s\n${await stores[name]!(t, store)}\n`)
  const args = ['serve', '--production', '--config', join(dir, 'conf/server.ini'), '--workers', '1']
  const server = startPso(t, args)
  return { server, url: await server.url }
}

/** A counter, a page of large sessions, and one without any. */
const site = {
  conf: { 'server.ini': 'Listen = 127.0.0.1:0\nErrorLog = error.log\n' },
  store: {},
  public_html: {
    'handler.ts': counter,
    large: { '.psoaccess': '', 'handler.ts': does("req.pso().session.text = 'x'.repeat(100_000); return 'stored'") },
    'page.txt': 'a page',
  },
}

for (const name of local)
  t.test(
    `a full disk, sessions in ${name}: what cannot be saved is 5xx, nothing told is lost, room heals it`,
    async t => {
      const dir = t.testdir(site)
      const disk = smallDisk(t, 4_000_000)
      if (disk === undefined) return
      const { server, url } = await serve(t, name, dir, disk.directory)
      const agent = new Agent()
      const first = await get(url, agent)
      const cookie = /^[^;]+/.exec(first.cookie!)![0]
      let told = visit((await get(url, agent, cookie)).body)
      const file = disk.fill()
      const statuses = { counter: new Set<number>(), large: new Set<number>(), page: new Set<number>() }
      for (let round = 0; round < 50; round++) {
        const answer = await get(url, agent, cookie)
        statuses.counter.add(answer.status)
        if (answer.status === 200) t.equal(visit(answer.body), ++told, 'none is counted that was not saved')
        else t.notMatch(answer.body, disk.directory, 'no path is told')
        statuses.large.add((await get(`${url}/large/`, agent)).status)
        statuses.page.add((await get(`${url}/page.txt`, agent)).status)
      }
      for (const status of statuses.counter) t.ok([200, 503].includes(status), String(status))
      t.same([...statuses.large], [503])
      t.same([...statuses.page], [200])
      rmSync(file)
      t.equal((await get(`${url}/large/`, agent)).status, 200)
      const healed = await get(url, agent, cookie)
      t.equal(visit(healed.body), told + 1)
      t.match(server.child, { exitCode: null, signalCode: null }, 'the server never ended')
    },
  )

for (const name of local)
  t.test(
    `the directory of sessions in ${name} is removed under load, 5 times: 200 or 5xx, and it comes back`,
    async t => {
      const dir = t.testdir(site)
      const { server, url } = await serve(t, name, dir, join(dir, 'store'))
      const agent = new Agent({ keepAlive: true, maxSockets: 16 })
      const statuses = new Set<number>()
      let isOver = false
      const visitor = async (): Promise<void> => {
        let cookie: string | undefined
        while (!isOver) {
          const answer = await get(url, agent, cookie)
          statuses.add(answer.status)
          cookie = /^[^;]+/.exec(answer.cookie ?? cookie ?? '')?.[0]
        }
      }
      const visitors = Array.from({ length: 16 }, visitor)
      for (let time = 0; time < 5; time++) {
        await sleep(300)
        rmSync(join(dir, 'store'), { recursive: true, maxRetries: 50 })
        mkdirSync(join(dir, 'store'), { recursive: true })
      }
      isOver = true
      await Promise.all(visitors)
      agent.destroy()
      for (const status of statuses) t.ok([200, 503].includes(status), String(status))
      // within a second the loader sees that the file it has open is not the one of that name
      await sleep(1100)
      const fresh = new Agent()
      const first = await get(url, fresh)
      t.equal(visit(first.body), 1)
      const cookie = /^[^;]+/.exec(first.cookie!)![0]
      for (const number of [2, 3]) t.equal(visit((await get(url, fresh, cookie)).body), number)
      t.match(server.child, { exitCode: null, signalCode: null }, 'the server never ended')
    },
  )
