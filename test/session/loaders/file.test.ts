import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { SessionRecord } from '../../../session/loader.ts'
import { FileSessionLoader } from '../../../session/loaders/file.ts'
import { self } from '../../../session/loaders/lock-owner.ts'
import { onReport } from '../../../session/report.ts'
import { loaderContract } from '../loader-contract.ts'
import { incrementing } from './incrementing.ts'

const context = { serviceId: 'shop' }
/** Stored over version `before`. */
const record = (visits: number, before = 0): SessionRecord => ({
  serviceId: 'shop',
  data: JSON.stringify({ visits }),
  createdAt: 1,
  usedAt: 1,
  version: before + 1,
})

function open(t: Test): FileSessionLoader {
  const loader = new FileSessionLoader(join(t.testdir({}), 'sessions'))
  t.teardown(() => loader.close())
  return loader
}

/** The session files below a directory. */
const filesOf = (directory: string): string[] =>
  (readdirSync(directory, { recursive: true }) as string[])
    .filter(name => /^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name))
    .map(name => join(directory, name))

loaderContract(t, open)

t.test('the directory is 0700, files are 0600, names say nothing', async t => {
  const loader = open(t)
  loader.save('secret-id', record(1), context)
  const [file] = filesOf(loader.directory)
  t.equal(statSync(loader.directory).mode & 0o777, 0o700)
  t.equal(statSync(file!).mode & 0o777, 0o600)
  t.notMatch(file!.slice(loader.directory.length), /secret|shop/)
  t.match(readFileSync(file!, 'latin1'), /"visits":1/, 'a person can read it')
})

t.test('a path that cannot be used is an error with its name', async t => {
  const directory = t.testdir({ taken: 'a file' })
  for (const path of [join(directory, 'taken'), join(directory, 'taken', 'below')]) {
    const loader = new FileSessionLoader(path)
    t.throws(() => loader.load('x', context), { code: 'unusable-path', message: new RegExp(path) })
    t.throws(() => loader.lock('x', context, 10), { code: 'unusable-path' })
    t.throws(() => loader.save('x', record(1), context), { code: 'unusable-path' })
  }
})

t.test('two processes, 2,000 increments each: none is lost', { timeout: 60_000 }, async t => {
  const loader = open(t)
  loader.save('shared', record(0), context)
  const made = await Promise.all(
    [1, 2].map(() => incrementing({ type: 'file', directory: loader.directory }, 2000).done),
  )
  const all = made.flat()
  t.equal(new Set(all).size, 4000, 'no number was made twice')
  t.equal(loader.load('shared', context)!.data, '{"visits":4000}')
})

t.test(
  'kill -9 in the middle: what was acknowledged is there, and the lock is free again',
  { timeout: 60_000 },
  async t => {
    const loader = open(t)
    loader.save('shared', record(0), context)
    let highest = 0
    for (let kill = 0; kill < 5; kill++) {
      const victim = incrementing({ type: 'file', directory: loader.directory }, 100_000)
      const survivor = incrementing({ type: 'file', directory: loader.directory }, 300)
      await new Promise(resolve => setTimeout(resolve, 250))
      victim.kill()
      const [acknowledged, more] = await Promise.all([victim.done, survivor.done])
      highest = Math.max(highest, ...acknowledged, ...more)
      t.equal(more.length, 300, 'the survivor went on')
      const stored = JSON.parse(loader.load('shared', context)!.data).visits
      t.ok(stored >= highest && stored <= highest + 1, `${stored} stored, ${highest} acknowledged`)
      highest = stored
    }
  },
)

t.test('a file cut at any byte: the session before, or a fresh one, and never an error', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  loader.save('x', record(2, 1), context)
  const [file] = filesOf(loader.directory)
  const whole = readFileSync(file!)
  for (let size = 0; size <= whole.length; size += size < 400 || size > 2000 ? 1 : 37) {
    writeFileSync(file!, whole)
    truncateSync(file!, size)
    const fresh = new FileSessionLoader(loader.directory)
    const found = fresh.load('x', context)
    t.ok(found === undefined || ['{"visits":1}', '{"visits":2}'].includes(found.data), `${size} bytes`)
    fresh.close()
  }
})

t.test('1,000 random damages: the session before, or a fresh one, and never an error', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  loader.save('x', record(2, 1), context)
  const [file] = filesOf(loader.directory)
  const whole = readFileSync(file!)
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  for (let round = 0; round < 1000; round++) {
    const damaged = Buffer.from(whole)
    for (let times = 0; times <= random(8); times++) damaged[random(damaged.length)] = random(256)
    writeFileSync(file!, damaged)
    const fresh = new FileSessionLoader(loader.directory)
    const found = fresh.load('x', context)
    if (found !== undefined && !['{"visits":1}', '{"visits":2}'].includes(found.data))
      t.fail(`round ${round}: ${found.data}`)
    if (found === undefined) t.equal(fresh.save('x', record(9), context), 'saved', 'a fresh session can begin')
    fresh.close()
    rmSync(file!, { force: true })
  }
})

t.test('a session directory that is removed under us comes back by itself', async t => {
  const loader = open(t)
  const lock = await loader.lock('x', context, 1000)
  loader.save('x', record(1), { ...context, lock })
  lock.release()
  rmSync(loader.directory, { recursive: true })
  const again = await loader.lock('x', context, 1000)
  t.equal(loader.load('x', context), undefined, 'not what an open descriptor remembers')
  t.equal(loader.save('x', record(5), context), 'saved')
  again.release()
  const other = new FileSessionLoader(loader.directory)
  t.equal(other.load('x', context)!.data, '{"visits":5}')
  other.close()
})

t.test('who reads without the lock waits for nobody, and takes nothing away that is just being written', async t => {
  const reports: string[] = []
  t.teardown(onReport(report => reports.push(report)))
  const writer = open(t)
  writer.save('x', record(1), context)
  writer.save('x', record(2, 1), context)
  const [file] = filesOf(writer.directory)
  const whole = readFileSync(file!)
  const lock = await writer.lock('x', context, 1000)
  const reader = new FileSessionLoader(writer.directory)
  t.teardown(() => reader.close())
  // the newer slot is the first: version 2
  writeFileSync(file!, Buffer.from(whole).fill(7, 30, 40))
  t.equal(reader.load('x', context)!.data, '{"visits":1}', 'the update before')
  writeFileSync(file!, Buffer.from(whole).fill(7, 30, 40).fill(7, 2078, 2088))
  t.throws(() => reader.load('x', context), { code: 'cannot-load', message: new RegExp(file!) })
  t.same(reports, [])
  writeFileSync(file!, whole)
  t.equal(reader.load('x', context)!.data, '{"visits":2}')
  writeFileSync(file!, 'nonsense')
  await lock.release()
  t.equal(reader.load('x', context), undefined, 'nobody writes: it is damage')
  t.ok(existsSync(`${file}.damaged`))
  t.same(reports, [`the session file ${file} is damaged and was set aside`])
})

t.test('an update that was lost to damage is reported once, until the next save', async t => {
  const reports: string[] = []
  t.teardown(onReport(report => reports.push(report)))
  const loader = open(t)
  loader.save('x', record(1), context)
  loader.save('x', record(2, 1), context)
  const [file] = filesOf(loader.directory)
  writeFileSync(file!, readFileSync(file!).fill(7, 30, 40))
  for (let time = 0; time < 3; time++) t.equal(loader.load('x', context)!.data, '{"visits":1}')
  t.same(reports, [`the session file ${file} has lost its last update to damage`])
  t.equal(loader.save('x', record(3, 1), context), 'saved')
  t.equal(loader.load('x', context)!.data, '{"visits":3}')
})

t.test('a file whose first save did not come to its end is no damage', async t => {
  const reports: string[] = []
  t.teardown(onReport(report => reports.push(report)))
  const loader = open(t)
  loader.save('x', record(1), context)
  const [file] = filesOf(loader.directory)
  for (const text of [Buffer.alloc(0), Buffer.concat([Buffer.alloc(4096), Buffer.from('a long record')])]) {
    writeFileSync(file!, text)
    t.equal(loader.load('x', context), undefined)
    t.equal(loader.save('x', record(9), context), 'saved')
    t.equal(loader.load('x', context)!.data, '{"visits":9}')
  }
  t.same(reports, [])
})

const place = self.split(' ').slice(2).join(' ')
for (const [title, owner] of [
  ['a process that is no more', `4194305 1 ${place}`],
  ['a process whose number another has by now', `${process.pid} 1 ${place}`],
] as const) {
  t.test(`a purge removes the lock left by ${title}, and the session if it is over`, async t => {
    const loader = open(t)
    loader.save('x', { ...record(1), endsAt: 5 }, context)
    await (await loader.lock('x', context, 1000)).release()
    const lock = lockOf(loader)
    writeFileSync(lock, owner)
    t.equal(await loader.purge(6), 1)
    t.same(filesOf(loader.directory), [])
    t.notOk(existsSync(lock))
  })
}

t.test('who held a lock for long and lost it writes nothing, and gives nothing back', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  const lock = await loader.lock('x', context, 1000)
  const loaded = loader.load('x', { ...context, lock })!
  unlinkSync(lockOf(loader))
  writeFileSync(lockOf(loader), `1 1 another-boot 1`)
  const passed = performance.now() + 6000
  t.intercept(performance, 'now', { value: () => passed })
  t.equal(
    await loader.save('x', { ...loaded, data: '{}', version: loaded.version + 1 }, { ...context, lock }),
    'conflict',
  )
  await lock.release()
  t.equal(readFileSync(lockOf(loader), 'utf8'), `1 1 another-boot 1`)
  t.same(loader.load('x', context), loaded)
})

t.test('a purge removes the files that named dead processes, and not its own', async t => {
  const loader = open(t)
  await (await loader.lock('x', context, 1000)).release()
  const dead = join(loader.directory, `locks/owner-dead`)
  writeFileSync(dead, `4194305 1 ${place}`)
  await loader.purge(0)
  t.notOk(existsSync(dead))
  t.ok(existsSync(join(loader.directory, `locks/owner-${self.replaceAll(' ', '-')}`)))
})

t.test('a purge finds sessions where nobody has ever locked one', async t => {
  const loader = open(t)
  loader.save('x', { ...record(1), endsAt: 5 }, context)
  t.notOk(existsSync(join(loader.directory, 'locks')))
  t.equal(await loader.purge(6), 1)
})

t.test('a purge leaves a week to what nobody can read', async t => {
  const loader = open(t)
  loader.save('x', record(1), context)
  const [file] = filesOf(loader.directory)
  writeFileSync(file!, '')
  const week = 7 * 24 * 60 * 60 * 1000
  t.equal(await loader.purge(statSync(file!).mtimeMs + week - 1), 0)
  t.equal(await loader.purge(statSync(file!).mtimeMs + week), 1)
})

t.test('a list passes by what a purge removes meanwhile', async t => {
  const loader = open(t)
  for (let number = 0; number < 300; number++) loader.save(String(number), record(1), context)
  let listed = 0
  for await (const _ of loader.list()) {
    if (listed === 0) for (const file of filesOf(loader.directory)) unlinkSync(file)
    listed++
  }
  t.ok(listed < 300)
})

t.test('a holder that was stopped keeps its lock: others wait in vain, and what it saves later stands', async t => {
  const loader = open(t)
  loader.save('shared', record(1), context)
  const holder = spawn(process.execPath, [join(import.meta.dirname, 'hold.ts'), loader.directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  holder.kill('SIGSTOP')
  await t.rejects(async () => loader.lock('shared', context, 100), { code: 'lock-timeout' })
  holder.kill('SIGCONT')
  holder.stdin.end('go\n')
  await once(holder, 'close')
  await (await loader.lock('shared', context, 1000)).release()
  t.equal(loader.load('shared', context)!.data, '{"visits":2}')
})

t.test('the wait for a lock is one, in the line of the process and before the door', async t => {
  const holder = open(t)
  const lock = await holder.lock('x', context, 1000)
  const [loader, other] = [1, 2].map(() => new FileSessionLoader(holder.directory)) as [
    FileSessionLoader,
    FileSessionLoader,
  ]
  t.teardown(() => [loader, other].forEach(one => one.close()))
  const ended: string[] = []
  const waiting = [
    [loader, 'the first', 200],
    [loader, 'behind it', 400],
    [other, 'the last', 500],
  ] as const
  await Promise.all(
    waiting.map(async ([one, name, waitMs]) => {
      await t.rejects(async () => one.lock('x', context, waitMs), { code: 'lock-timeout' })
      ended.push(name)
    }),
  )
  t.same(ended, ['the first', 'behind it', 'the last'])
  await lock.release()
})

/** The lock of the only session. */
function lockOf(loader: FileSessionLoader): string {
  return join(
    loader.directory,
    'locks',
    filesOf(loader.directory)[0]!.slice(loader.directory.length).replaceAll('/', ''),
  )
}
