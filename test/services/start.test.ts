import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Client } from '../support/client.ts'
import { countingPages } from '../support/crowd.ts'
import { type ServedSite, serveSite } from '../support/served-site.ts'
import { linesFor, storesWhere } from '../support/stores.ts'

const BACK_MS = 2000

/** The server whose store is that of server.ini, and a service on files beside it. */
const tree = {
  ...countingPages(''),
  file: countingPages('PSOSessionLoader = file:\nPSOServiceId = file'),
}

const driverOf: Readonly<Record<string, string>> = { redis: 'redis', postgres: 'pg', mysql: 'mysql2' }

for (const [name, kind] of storesWhere(({ place }) => place === 'server'))
  t.test(name, { timeout: 60_000 }, async t => {
    const top = t.testdir()
    const store = await kind.open(t, top)
    if (store?.server === undefined) return
    const { server } = store
    const client = new Client(4)
    t.teardown(() => client.close())
    const wrongHost = server.url.replace(/127\.0\.0\.1:\d+/, 'nowhere.invalid:1')
    const withoutDriver = `data:text/javascript,import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (name.startsWith('${driverOf[name]}')) throw Object.assign(new Error(), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(name, context)
} })`.replaceAll('\n', ' ')

    /** A sentence before anybody asks; then 503 for who needs the store, and all others serve. */
    const begin = async (
      t: Test,
      title: string,
      url: string,
      sentence: RegExp,
      under: readonly string[] = [],
    ): Promise<ServedSite> => {
      const site = await serveSite(t, join(top, title), tree, { ini: linesFor(url), under })
      for (const until = performance.now() + 5000; performance.now() < until && !sentence.test(site.errorLog()); )
        await sleep(20)
      t.match(site.errorLog(), sentence)
      t.notMatch(site.errorLog(), new RegExp(`${server.password}|not-this-one`), 'without the password')
      for (let time = 0; time < 3; time++) {
        const { status, ms } = await client.get(`${site.url}/sessions/count/0/1`, 's=a-session-that-may-be-there-----')
        // a new session asks the store only when it is saved
        t.equal(status, 503)
        t.ok(ms < 5000)
        t.equal((await client.get(`${site.url}/sessions/count/0/1`)).status, 503)
        t.equal((await client.get(`${site.url}/file/sessions/count/0/1`)).status, 200)
        t.equal((await client.get(`${site.url}/plain.txt`)).status, 200)
      }
      t.equal(site.errorLog().match(/cannot be used/g)?.length, 1, 'it is said once')
      t.notMatch(site.errorLog(), /uncaught|unhandled/i)
      return site
    }

    t.test('a wrong password', async t => {
      const wrong = server.url.replace(server.password, 'not-this-one')
      await begin(t, 'password', wrong, /the session store \S+ cannot be used: .*(?:WRONGPASS|password|Access denied)/)
    })

    t.test('a wrong address', async t => {
      await begin(t, 'address', wrongHost, /the session store \S+ cannot be used: .*(?:ENOTFOUND|EAI_AGAIN)/)
    })

    t.test('a missing driver', async t => {
      const under = ['env', `NODE_OPTIONS=--import="${withoutDriver.replaceAll('"', '%22')}"`]
      await begin(t, 'driver', server.url, new RegExp(`npm install ${driverOf[name]}`), under)
    })

    t.test('nobody there: when it comes, it works without a restart', async t => {
      await server.stop()
      const site = await begin(t, 'away', server.url, /the session store \S+ cannot be used: .*ECONNREFUSED/)
      await server.start()
      const back = performance.now()
      let status = 0
      while (status !== 200 && performance.now() - back < 10_000)
        status = (await client.get(`${site.url}/sessions/count/0/1`)).status
      t.equal(status, 200)
      t.ok(performance.now() - back < BACK_MS, `after ${Math.round(performance.now() - back)} ms`)
      t.match(site.errorLog(), /the session store \S+ is back after/)
    })
  })
