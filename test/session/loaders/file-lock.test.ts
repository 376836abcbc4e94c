import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileSessionLoader } from '../../../session/loaders/file.ts'
import { FileLock } from '../../../session/loaders/file-lock.ts'
import { self } from '../../../session/loaders/lock-owner.ts'

const name = 'ab'.repeat(32)
const [pid, start, boot, namespace] = self.split(' ')
/** This process as it were of another machine, or of the same in another container. */
const elsewhere = `${pid} ${start} another-boot ${namespace}`
const inContainer = `${pid} ${start} ${boot} 1`

/** A clock that goes on by itself as little as a look takes, and as far as it is told to. */
function clockAt(now: number): { readonly read: () => number; readonly pass: (ms: number) => void } {
  return { read: () => (now += 0.5), pass: ms => void (now += ms) }
}

/** A machine of its own on that directory, with a clock that agrees with nobody's. */
function machine(directory: string, owner: string, at: number) {
  const clock = clockAt(at)
  const lock = new FileLock(directory, () => {}, { owner, clock: clock.read })
  return { lock, pass: clock.pass, tries: async () => lock.lock(name, 5) }
}

const lockFile = (directory: string): string => join(directory, 'locks', name)
const holderOf = (directory: string): string => readFileSync(lockFile(directory), 'utf8')

/** A directory with a lock that names that owner. */
function left(t: Test, owner: string): string {
  const directory = t.testdir({ locks: {} })
  writeFileSync(lockFile(directory), owner)
  return directory
}

for (const [title, owner] of [
  ['a process that is no more', `4194305 1 ${boot} ${namespace}`],
  ['a process whose number another has by now', `${pid} 1 ${boot} ${namespace}`],
] as const)
  t.test(`a lock left by ${title} is free at once`, async t => {
    const directory = left(t, owner)
    const release = await machine(directory, self, 0).tries()
    t.equal(holderOf(directory), self)
    release()
    t.notOk(existsSync(lockFile(directory)))
  })

for (const [title, owner] of [
  ['a process of another machine, or of this one before it was started anew', elsewhere],
  ['a process of another PID namespace', inContainer],
  ['nobody can say whom', ''],
] as const)
  t.test(`a lock left by ${title} is free after its lease, by the clock of the one who waits`, async t => {
    for (const day of [0, 1, -1]) {
      const directory = left(t, owner)
      const taker = machine(directory, self, 5_000_000)
      await t.rejects(taker.tries(), { code: 'lock-timeout' }, 'seen for the first time')
      const wallClock = t.intercept(Date, 'now', { value: () => day * 86_400_000 + 1_800_000_000_000 })
      taker.pass(7900)
      await t.rejects(taker.tries(), { code: 'lock-timeout' }, 'before its end')
      taker.pass(100)
      const release = await taker.tries()
      wallClock.restore()
      t.equal(holderOf(directory), self)
      release()
    }
  })

for (const owner of [elsewhere, inContainer])
  t.test(
    'who holds a lock and is idle keeps it for as long as it renews its lease, whatever the wall clock says',
    async t => {
      const directory = t.testdir({})
      const holder = machine(directory, owner, 0)
      const taker = machine(directory, self, 5_000_000)
      const release = await holder.tries()
      for (const day of [0, 1, -1, 0]) {
        const wallClock = t.intercept(Date, 'now', { value: () => day * 86_400_000 + 1_800_000_000_000 })
        await t.rejects(taker.tries(), { code: 'lock-timeout' })
        taker.pass(7900)
        await t.rejects(taker.tries(), { code: 'lock-timeout' })
        holder.pass(2000)
        holder.lock.renew()
        taker.pass(7900)
        wallClock.restore()
      }
      t.ok(holder.lock.isStillHeld(name))
      release()
      await (await taker.tries())()
    },
  )

t.test(
  'one who was stopped for longer than its lease finds that its lock is another’s, and gives nothing back',
  async t => {
    const directory = t.testdir({})
    const holder = machine(directory, elsewhere, 0)
    const taker = machine(directory, self, 5_000_000)
    const release = await holder.tries()
    await t.rejects(taker.tries())
    taker.pass(8000)
    const other = await taker.tries()
    holder.pass(8000)
    t.notOk(holder.lock.isStillHeld(name))
    holder.lock.renew()
    t.notOk(holder.lock.isStillHeld(name), 'nor later')
    release()
    t.equal(holderOf(directory), self)
    t.ok(taker.lock.isStillHeld(name))
    other()
    await (await holder.tries())()
  },
)

t.test('one who was stopped and has lost nothing goes on, and its lease begins anew', async t => {
  const directory = t.testdir({})
  const holder = machine(directory, elsewhere, 0)
  const taker = machine(directory, self, 5_000_000)
  const release = await holder.tries()
  await t.rejects(taker.tries())
  taker.pass(7900)
  holder.pass(7900)
  t.ok(holder.lock.isStillHeld(name))
  taker.pass(7900)
  await t.rejects(taker.tries(), { code: 'lock-timeout' })
  release()
  await (await taker.tries())()
})

t.test('one who wakes up in the middle of a takeover is not certain, and gives its lock back later', async t => {
  const directory = t.testdir({})
  const holder = machine(directory, elsewhere, 0)
  const release = await holder.tries()
  const taker = new FileLock(directory, () => {})
  const done = taker.mutex('takeover')!
  holder.pass(7900)
  t.notOk(holder.lock.isStillHeld(name))
  release()
  t.equal(holderOf(directory), elsewhere)
  done()
  await (await taker.lock(name, 5000))()
})

t.test(
  'while one takes a lock from the dead no other does, and what has become another’s meanwhile is not taken',
  async t => {
    const directory = left(t, `4194305 1 ${boot} ${namespace}`)
    const other = machine(directory, elsewhere, 0)
    const done = other.lock.mutex('takeover')!
    const taker = machine(directory, self, 0)
    await t.rejects(taker.tries(), { code: 'lock-timeout' })
    done()
    rmSync(join(directory, 'mutex-takeover'))
    // its clock is read at each look: this is the second one, under the mutex
    const slow = new FileLock(directory, () => {}, {
      clock: () => {
        if (existsSync(join(directory, 'mutex-takeover')) && holderOf(directory) !== elsewhere)
          writeFileSync(lockFile(directory), elsewhere)
        return performance.now()
      },
    })
    await t.rejects(async () => slow.lock(name, 20), { code: 'lock-timeout' })
    t.equal(holderOf(directory), elsewhere)
  },
)

t.test('clearing removes what the dead have left; where nobody can see them, in the second run', async t => {
  const directory = t.testdir({ locks: {} })
  const locks = join(directory, 'locks')
  const living = machine(directory, inContainer, 0)
  const release = await living.tries()
  const own = machine(directory, self, 5_000_000)
  await (await own.lock.lock('cd'.repeat(32), 5))()
  const mine = readdirSync(locks).sort()
  writeFileSync(join(locks, 'owner-dead'), `4194305 1 ${boot} ${namespace}`)
  writeFileSync(join(locks, 'ef'.repeat(32)), `4194305 1 ${boot} ${namespace}`)
  const foreign = ['owner-foreign', '01'.repeat(32)]
  for (const file of foreign) writeFileSync(join(locks, file), `4194305 1 another-boot ${namespace}`)
  await own.lock.clear()
  t.same(readdirSync(locks).sort(), [...mine, ...foreign].sort())
  own.pass(8000)
  living.pass(2000)
  living.lock.renew()
  await own.lock.clear()
  t.same(readdirSync(locks).sort(), mine)
  release()
})

t.test('a lock directory that is removed under load comes back, and nobody notices', { timeout: 30_000 }, async t => {
  const directory = t.testdir({})
  const lock = new FileLock(directory, () => {})
  const remover = spawn('sh', ['-c', 'while :; do rm -rf "$0"; sleep 0.005; done', join(directory, 'locks')])
  t.teardown(() => remover.kill('SIGKILL'))
  const until = performance.now() + 1000
  let taken = 0
  const visitor = async (_: unknown, number: number): Promise<void> => {
    while (performance.now() < until) {
      const release = await lock.lock(`${number % 4}`.repeat(64), 5000)
      await new Promise(setImmediate)
      release()
      taken++
    }
  }
  await Promise.all(Array.from({ length: 16 }, visitor))
  t.ok(taken > 100, `${taken}`)
})

t.test('kill -9, and two wait: one after the other gets the lock, within 2 s', { timeout: 60_000 }, async t => {
  const directory = sessionOf(t)
  for (let kill = 0; kill < 5; kill++) {
    const { stop } = await holding(t, directory)
    const takers = [1, 2].map(() => incrementing(t, directory, 50))
    await new Promise(resolve => setTimeout(resolve, 300))
    stop('SIGKILL')
    const killedAt = performance.now()
    await Promise.race(takers.map(({ first }) => first))
    t.ok(performance.now() - killedAt < 2000)
    const made = (await Promise.all(takers.map(({ done }) => done))).flat()
    t.equal(new Set(made).size, 100, 'no number was made twice')
    t.equal(visitsIn(t, directory), 1 + 100 * (kill + 1))
  }
})

/** A PID namespace of its own, as a container has it; absent where it takes a right that this user has not. */
const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const skip =
  spawnSync('unshare', [...container.slice(1), 'true']).status !== 0 &&
  'no PID namespaces: unshare takes a right that this user has not'

t.test('a holder in another PID namespace, such as a container', { jobs: 3, timeout: 60_000, skip }, async t => {
  t.test('is killed: its lock is free within 10 s', { buffered: true }, async t => {
    const directory = sessionOf(t)
    const { stop } = await holding(t, directory, container)
    stop('SIGKILL')
    await (await loaderAt(t, directory).lock('shared', context, 10_000)).release()
  })

  t.test(
    'lives and is idle for longer than a lease: its lock is not taken, and what it saves stands',
    { buffered: true },
    async t => {
      const directory = sessionOf(t)
      const { goOn } = await holding(t, directory, container)
      await t.rejects(async () => loaderAt(t, directory).lock('shared', context, 10_000), { code: 'lock-timeout' })
      t.equal(await goOn(), 'saved')
      t.equal(visitsIn(t, directory), 2)
    },
  )

  t.test(
    'is stopped for longer than a lease: what it saves later is refused, and the taker’s stays',
    { buffered: true },
    async t => {
      const directory = sessionOf(t)
      const { stop, goOn } = await holding(t, directory, container)
      stop('SIGSTOP')
      const taker = loaderAt(t, directory)
      const lock = await taker.lock('shared', context, 10_000)
      const before = taker.load('shared', { ...context, lock })!
      await taker.save('shared', { ...before, data: '{"visits":7}', version: 2 }, { ...context, lock })
      stop('SIGCONT')
      t.equal(await goOn(), 'conflict')
      await lock.release()
      t.equal(visitsIn(t, directory), 7)
    },
  )
})

const context = { serviceId: 'shop' }

function loaderAt(t: Test, directory: string): FileSessionLoader {
  const loader = new FileSessionLoader(directory)
  t.teardown(() => loader.close())
  return loader
}

/** A directory with the session that `hold.ts` and `increment.ts` lock; it was visited once. */
function sessionOf(t: Test): string {
  const directory = join(t.testdir({}), 'sessions')
  mkdirSync(directory)
  loaderAt(t, directory).save(
    'shared',
    { serviceId: 'shop', data: '{"visits":1}', createdAt: 1, usedAt: 1, version: 1 },
    context,
  )
  return directory
}

const visitsIn = (t: Test, directory: string): number =>
  JSON.parse(loaderAt(t, directory).load('shared', context)!.data).visits

function run(t: Test, [command, ...args]: readonly string[]): ChildProcess {
  const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** A process that holds the session's lock, until it is told to save and go: then its answer. */
async function holding(t: Test, directory: string, under: readonly string[] = []) {
  const child = run(t, [...under, process.execPath, join(import.meta.dirname, 'hold.ts'), directory])
  let said = ''
  child.stdout!.on('data', chunk => (said += chunk))
  await once(child.stdout!, 'data')
  // a namespace's first process dies with unshare, but does not stop with it
  const holder =
    under.length === 0 ? child.pid! : Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'))
  return {
    stop: (signal: NodeJS.Signals) => void process.kill(holder, signal),
    goOn: async () => {
      child.stdin!.end('go\n')
      await once(child, 'close')
      return said.trim().split('\n').at(-1)
    },
  }
}

/** A process that increments: `done` is what it acknowledged. */
function incrementing(t: Test, directory: string, count: number) {
  const child = run(t, [
    process.execPath,
    join(import.meta.dirname, 'increment.ts'),
    JSON.stringify({ type: 'file', directory }),
    String(count),
  ])
  let said = ''
  child.stdout!.on('data', chunk => (said += chunk))
  return {
    first: once(child.stdout!, 'data'),
    done: once(child, 'close').then(() => said.split('\n').slice(0, -1).map(Number)),
  }
}
