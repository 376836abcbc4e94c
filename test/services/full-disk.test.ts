import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Answer, Client } from '../support/client.ts'
import { filesBelow } from '../support/files-below.ts'
import { does } from '../support/handlers.ts'
import { sendUpload } from '../support/send-upload.ts'
import { serveSite } from '../support/served-site.ts'
import { storesWhere } from '../support/stores.ts'
import { until } from '../support/until.ts'
import { uploadsIn, uploadTree } from '../support/uploads.ts'

const SESSIONS = 20

/** A directory of its own size, gone with the process that sees it: it needs the right to mount. `$0`: options, `$1`: where. */
const smallDisk = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"']
const canMount = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']).status === 0
if (!canMount) {
  const reason = 'unshare and mount take a right that this user has not'
  if (process.env['CI'] === 'true') t.fail(reason)
  else t.pass('no small disks', { skip: reason })
}

/** Each takes all that is left, below a directory that `rmSync` removes. */
const fillings = {
  bytes(directory: string): void {
    const fd = openSync(join(directory, 'filler'), 'w')
    for (const size of [64 << 10, 4096, 1])
      try {
        for (;;) writeSync(fd, Buffer.alloc(size, 1))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    closeSync(fd)
  },
  inodes(directory: string): void {
    try {
      for (let number = 0; ; number++) writeFileSync(join(directory, `${number}`), '')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  },
} as const

const page = (body: string) => ({ '.psoaccess': '', 'handler.ts': does(`const { session } = req.pso()\n${body}`) })
const pages = (lines: string) => ({
  '.psoaccess': `PSOServiceId = s\n${lines}\n`,
  count: page('session.visits = (session.visits ?? 0) + 1; req.write(String(session.visits))'),
  grow: page("session.long = 'long'.repeat(50_000); req.write('grown')"),
  look: page('req.write(String(session.visits))'),
})

for (const [name, kind] of canMount ? storesWhere(({ place }) => place === 'disk') : [])
  for (const [what, fill] of Object.entries(fillings))
    t.test(`${name}: no ${what} are left on its disk`, { timeout: 60_000 }, async t => {
      const disk = join(t.testdir({ disk: {} }), 'disk')
      const store = (await kind.open(t, disk))!
      const tree = { sessions: pages(store.lines), memory: pages('PSOSessionLoader = memory:') }
      const options = 'size=4m,nr_inodes=400'
      const site = await serveSite(t, join(t.testdirName, 'site'), tree, { under: [...smallDisk, options, disk] })
      /** The disk, as the server sees it. */
      const seen = `/proc/${site.pid}/root${disk}`
      const filler = join(seen, 'filler')
      const client = new Client(16)
      t.teardown(() => client.close())
      const get = (path: string, cookie?: string): Promise<Answer> => client.get(site.url + path, cookie)
      const each = (path: string, of: readonly (string | undefined)[]): Promise<Answer[]> =>
        Promise.all(of.map(cookie => get(path, cookie)))

      const nobody = Array.from({ length: SESSIONS }, () => undefined)
      const known = (await each('/sessions/count/', nobody)).map(({ cookie }) => cookie)
      t.equal(new Set(known).size, SESSIONS)
      const visits = known.map(() => 1)
      const { cookie: inMemory } = await get('/memory/count/')
      const [worker] = site.workers()

      /** All find their sessions as they were, or as they made them. */
      const areWhole = async (when: string): Promise<void> => {
        const found = (await each('/sessions/look/', known)).map(({ status, body }) => `${status} ${body}`)
        t.same(
          found,
          visits.map(number => `200 ${number}`),
          when,
        )
      }
      const neighboursAnswer = async (): Promise<void> => {
        t.equal((await get('/plain.txt')).status, 200, 'static files')
        t.equal((await get('/memory/count/', inMemory)).status, 200, 'other services')
      }

      for (const round of [1, 2]) {
        mkdirSync(filler)
        fill(filler)
        const failed = (await each('/sessions/grow/', known)).map(({ status }) => status)
        if (what === 'bytes') isRefused(t, failed, 'a session that grows')
        const counted = await each('/sessions/count/', known)
        for (const [at, { status, body }] of counted.entries())
          if (status === 200) t.equal(Number(body), ++visits[at]!)
          else isRefused(t, [status], 'a visit')
        await neighboursAnswer()
        const fresh = await each('/sessions/count/', nobody)
        const refused = fresh.filter(({ status }) => status !== 200)
        isRefused(
          t,
          refused.map(({ status }) => status),
          'a new session',
        )
        // the log of a database has room of its own
        if (name === 'file') t.equal(refused.length, SESSIONS, 'there is no room for one')
        for (const { status, cookie } of fresh)
          if (status === 200) {
            known.push(cookie)
            visits.push(1)
          }

        rmSync(filler, { recursive: true })
        await areWhole(`round ${round}: when there is room again`)
        for (const [at, { status, body }] of (await each('/sessions/count/', known)).entries())
          t.equal(`${status} ${body}`, `200 ${++visits[at]!}`)
        t.same(
          new Set((await each('/sessions/count/', nobody)).map(({ status, body }) => `${status} ${body}`)),
          new Set(['200 1']),
        )
      }
      t.same(site.workers(), [worker], 'nobody has ended')
      t.notMatch(site.errorLog(), /uncaught|unhandled/i)

      t.test('a worker that begins on a full disk serves when there is room', async t => {
        mkdirSync(filler)
        fill(filler)
        process.kill(worker!, 'SIGKILL')
        // connections to the one that is dead break
        while (site.workers().includes(worker!) || (await get('/plain.txt')).status !== 200) await sleep(20)
        for (const [at, { status, body }] of (await each('/sessions/count/', known)).entries())
          if (status === 200) t.equal(Number(body), ++visits[at]!)
          else isRefused(t, [status], 'a visit')
        await neighboursAnswer()
        rmSync(filler, { recursive: true })
        await areWhole('when there is room again')
        t.equal((await get('/sessions/count/')).status, 200)
        t.notMatch(site.errorLog(), /uncaught|unhandled/i)
        t.same(
          readdirSync(seen).filter(file => /tmp|new/.test(file)),
          [],
          'nothing is left over',
        )
      })
    })

for (const [what, fill] of canMount ? Object.entries(fillings) : []) {
  /** Posts two files of so many bytes until all is over; resolves to the statuses. */
  const postTwo = (url: string, size: number): Promise<string[]> =>
    Promise.all([1, 2].map(async () => /^HTTP\/1\.1 (\d+)/.exec(await sendUpload(url, size))?.[1] ?? 'none'))

  t.test(`uploads: no ${what} are left on their disk`, { timeout: 60_000 }, async t => {
    const disk = join(t.testdirName, '.pso/uploads')
    t.testdir({})
    mkdirSync(disk, { recursive: true, mode: 0o700 })
    const options = 'size=4m,nr_inodes=400'
    const site = await serveSite(t, t.testdirName, uploadTree, { under: [...smallDisk, options, disk] })
    const [worker] = site.workers()
    const seen = `/proc/${site.pid}/root${disk}`
    const filler = join(seen, 'filler')
    const url = `${site.url}/up/`
    for (const round of [1, 2]) {
      t.same(await postTwo(url, 100_000), ['200', '200'], `round ${round}: there is room`)
      // they go after the answer, and would make room when all is full
      await until(() => filesBelow(seen).length === 0)
      mkdirSync(filler)
      fill(filler)
      t.same(await postTwo(url, 100_000), ['503', '503'])
      t.equal((await fetch(`${site.url}/plain.txt`)).status, 200, 'others are served')
      await until(() => filesBelow(seen).every(file => file.startsWith('filler/')))
      rmSync(filler, { recursive: true })
    }
    t.same(await postTwo(url, 8 << 20), ['503', '503'], 'it is full when a part has come')
    await until(() => filesBelow(seen).length === 0)
    t.same(await postTwo(url, 100_000), ['200', '200'], 'and there is room again')
    t.same(site.workers(), [worker], 'nobody has ended')
    t.equal(site.errorLog().match(/POST \/up\/ 503: an uploaded file could not be stored: ENOSPC/g)?.length, 6)
    t.notMatch(site.errorLog(), /uncaught|unhandled/i)
  })

  t.test(`save(): no ${what} are left where it saves`, { timeout: 60_000 }, async t => {
    const disk = join(t.testdir({ pictures: {} }), 'pictures')
    const saving = does('const file = req.pso().getFile("up"); await file.save(String(file.size), "../../../pictures")')
    const options = 'size=4m,nr_inodes=400'
    const site = await serveSite(
      t,
      join(t.testdirName, 'site'),
      { save: { '.psoaccess': '', 'handler.ts': saving } },
      { under: [...smallDisk, options, disk] },
    )
    const seen = `/proc/${site.pid}/root${disk}`
    const filler = join(seen, 'filler')
    const url = `${site.url}/save/`
    t.same(await postTwo(url, 1000), ['200', '200'])
    mkdirSync(filler)
    fill(filler)
    t.same(await postTwo(url, 100_000), ['500', '500'])
    t.same(
      filesBelow(seen).filter(file => !file.startsWith('filler/')),
      ['1000'],
      'no part of it is there, and what was there is',
    )
    await until(() => uploadsIn(join(site.directory, '.pso')).length === 0)
    rmSync(filler, { recursive: true })
    t.same(await postTwo(url, 100_000), ['200', '200'])
    t.same(filesBelow(seen), ['1000', '100000'])
    t.equal(site.errorLog().match(/POST \/save\/ 500: .*ENOSPC/g)?.length, 2)
    t.notMatch(site.errorLog(), /uncaught|unhandled/i)
  })
}

function isRefused(t: Test, statuses: readonly number[], what: string): void {
  t.same(
    statuses.filter(status => status !== 500 && status !== 503),
    [],
    `${what} is 500 or 503`,
  )
}
