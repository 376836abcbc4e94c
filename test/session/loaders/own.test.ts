import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import type { Lock, SessionRecord } from '../../../session/loader.ts'
import { FileLock } from '../../../session/loaders/file-lock.ts'
import { OwnSessionLoader } from '../../../session/loaders/own.ts'
import { LockQueue } from '../../../session/lock-queue.ts'
import type { LoaderAbout, OwnLoader, OwnStored } from '../../../session/own-loader.ts'
import { onReport } from '../../../session/report.ts'
import { SessionError } from '../../../session/session-error.ts'
import { loaderContract } from '../loader-contract.ts'

const context = { serviceId: 'shop' }
const id = 'A'.repeat(27)
const record: SessionRecord = { serviceId: 'shop', data: '{"visits":1}', createdAt: 1, usedAt: 1, version: 1 }

/** The adapter over a class, with the locks of a directory of its own. */
function adapted(t: Test, make: () => OwnLoader, name = 'MyLoader'): OwnSessionLoader {
  const lockDirectory = t.testdir({})
  const locks = new FileLock(lockDirectory, () => {})
  t.teardown(() => locks.close())
  return new OwnSessionLoader({ name, make, locks, lockDirectory })
}

/** What a class needs at least; it keeps the text of what it is given. */
class Naive implements OwnLoader {
  readonly #texts = new Map<string, string>()

  load(id: string, { serviceId }: LoaderAbout) {
    const text = this.#texts.get(`${serviceId} ${id}`)
    return text === undefined ? undefined : JSON.parse(text)
  }

  save(id: string, record: SessionRecord, { serviceId }: LoaderAbout) {
    this.#texts.set(`${serviceId} ${id}`, JSON.stringify(record))
  }
}

/** Every method there is, over a database, with answers that take their time. */
class Complete implements OwnLoader {
  readonly #db = new DatabaseSync(':memory:')
  readonly #queue = new LockQueue()

  constructor() {
    this.#db.exec('CREATE TABLE sessions (service, id, record, ends, PRIMARY KEY (service, id))')
  }

  async load(id: string, { serviceId }: LoaderAbout) {
    await Promise.resolve()
    const row = this.#db.prepare('SELECT record FROM sessions WHERE service = ? AND id = ?').get(serviceId, hex(id))
    return row === undefined ? null : JSON.parse(String(row['record']))
  }

  async save(id: string, record: SessionRecord, { serviceId }: LoaderAbout) {
    await Promise.resolve()
    const statement = this.#db.prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)')
    statement.run(serviceId, hex(id), JSON.stringify(record), record.endsAt ?? null)
  }

  async remove(id: string, { serviceId }: LoaderAbout) {
    this.#db.prepare('DELETE FROM sessions WHERE service = ? AND id = ?').run(serviceId, hex(id))
  }

  lock(id: string, { serviceId }: LoaderAbout, waitMs: number) {
    return this.#queue.lock(`${serviceId} ${hex(id)}`, waitMs)
  }

  purge(now: number) {
    const over = this.#db.prepare('SELECT service, id FROM sessions WHERE ends <= ?').all(now)
    const idle = over.filter(({ service, id }) => !this.#queue.isHeld(`${service} ${id}`))
    for (const { service, id } of idle)
      this.#db.prepare('DELETE FROM sessions WHERE service = ? AND id = ?').run(service!, id!)
    return idle.length
  }

  *list(): Generator<OwnStored> {
    for (const { id, record } of this.#db.prepare('SELECT id, record FROM sessions').all())
      yield { id: Buffer.from(String(id), 'hex').toString(), record: JSON.parse(String(record)) }
  }

  newSessionId() {
    return 'made'
  }
}

/** Text with a NUL ends at it in SQLite's own functions. */
const hex = (text: string): string => Buffer.from(text).toString('hex')

t.test('of load and save alone', async t => {
  loaderContract(t, t => adapted(t, () => new Naive()), { canPurge: false })
})

t.test('of every method', async t => {
  loaderContract(t, t => adapted(t, () => new Complete()), { leavesTombstones: false })
})

t.test('an end goes to remove where there is one, and nothing is saved over it under the same lock', async t => {
  const calls: string[] = []
  class Removing extends Naive {
    remove(id: string) {
      calls.push(`remove ${id}`)
    }
  }
  const loader = adapted(t, () => new Removing())
  await loader.save('one', record, context)
  const lock = await loader.lock('one', context, 1000)
  t.equal(await loader.save('one', { ...record, ended: true, version: 2 }, { ...context, lock }), 'saved')
  t.same(calls, ['remove one'])
  t.equal(await loader.save('one', { ...record, version: 3 }, { ...context, lock }), 'conflict')
  t.equal(await loader.save('one', record, { ...context, lock }), 'conflict')
  await lock.release()
})

t.test('who holds the lock and has loaded is not loaded for again by its save', async t => {
  let loads = 0
  class Counting extends Naive {
    override load(id: string, about: LoaderAbout) {
      loads++
      return super.load(id, about)
    }
  }
  const loader = adapted(t, () => new Counting())
  const lock = await loader.lock(id, context, 1000)
  await loader.load(id, { ...context, lock })
  for (const version of [1, 2, 3]) t.equal(await loader.save(id, { ...record, version }, { ...context, lock }), 'saved')
  await lock.release()
  t.equal(loads, 1)
  t.equal(await loader.save(id, { ...record, version: 4 }, { ...context, lock }), 'conflict', 'given back')
  t.equal(await loader.save(id, { ...record, version: 4 }, context), 'saved')
  t.equal(loads, 2)
})

t.test('a record of another service under the same id is neither given nor overwritten', async t => {
  const records = new Map<string, SessionRecord>()
  class ById implements OwnLoader {
    load(id: string) {
      return records.get(id)
    }

    save(id: string, record: SessionRecord) {
      records.set(id, record)
    }
  }
  const loader = adapted(t, () => new ById())
  await loader.save(id, record, context)
  t.equal(await loader.load(id, { serviceId: 'other' }), undefined)
  t.equal(await loader.save(id, { ...record, serviceId: 'other' }, { serviceId: 'other' }), 'conflict')
  t.equal(records.get(id)!.serviceId, 'shop')
})

t.test('what load answers is judged, and what is wrong is said without the value', async t => {
  for (const [answer, expected] of [
    [
      '{"secret":1}',
      /load of MyLoader: expected the record that was saved \(of its text: JSON\.parse\), or undefined, got a string$/,
    ],
    [42, /got a number$/],
    [{}, /expected a record whose serviceId is a text, got undefined$/],
    [[], /serviceId/],
    [{ ...record, data: { secret: 1 } }, /whose data is a text, got an object$/],
    [{ ...record, usedAt: '1' }, /whose usedAt is a number of ms, got a string$/],
    [{ ...record, createdAt: Number.NaN }, /createdAt/],
    [{ ...record, version: 0 }, /whose version is a whole number from 1, got a number$/],
    [{ ...record, version: 1.5 }, /version/],
    [{ ...record, ended: 1 }, /whose ended is true or false, got a number$/],
    [{ ...record, label: 5 }, /label/],
    [{ ...record, endsAt: 'never' }, /endsAt/],
    [() => record, /got a function$/],
  ] as const) {
    const loader = adapted(t, () => ({ load: () => answer, save() {} }))
    const error = await loader.load(id, context).then(
      () => undefined,
      thrown => thrown,
    )
    t.ok(error instanceof SessionError)
    t.match(error, { code: 'bad-loader', message: expected })
    t.notMatch(error.message, 'secret')
  }
})

t.test('what a record has besides is left out, and null is no value', async t => {
  const hostile = JSON.parse(`{"__proto__": {"ended": true}, "more": 1, "label": null, "endsAt": null, "ended": null}`)
  const loader = adapted(t, () => ({ load: () => Object.assign(hostile, record), save() {} }))
  t.same(await loader.load(id, context), record)
  const getter = adapted(t, () => ({
    load: () => ({
      ...record,
      get label() {
        throw new Error('no')
      },
    }),
    save() {},
  }))
  await t.rejects(getter.load(id, context), { code: 'cannot-load' })
})

t.test('what the class throws is a failure of the store, with its cause', async t => {
  const cause = new Error('connection refused')
  const fail = () => {
    throw cause
  }
  const loader = adapted(t, () => ({ load: fail, save: fail }))
  await t.rejects(loader.load(id, context), {
    code: 'cannot-load',
    message: 'load of MyLoader failed: connection refused',
    cause,
  })
  const saving = adapted(t, () => ({ load() {}, save: async () => fail() }))
  await t.rejects(saving.save(id, record, context), { code: 'cannot-save', cause })
  const lock = await saving.lock(id, context, 100)
  await lock.release()
  const locking = adapted(t, () => ({ load() {}, save() {}, lock: fail }))
  await t.rejects(locking.lock(id, context, 100), { code: 'cannot-lock', cause })
  t.throws(() => adapted(t, fail), {
    code: 'cannot-load',
    message: 'the loader MyLoader cannot be made: connection refused',
  })
  const nothing = adapted(t, () => ({
    load() {
      throw undefined
    },
    save() {},
  }))
  await t.rejects(nothing.load(id, context), { code: 'cannot-load' })
})

t.test('a failed save is not taken for one: the next is compared with what the store has', async t => {
  let isDown = true
  class Failing extends Naive {
    override save(id: string, record: SessionRecord, about: LoaderAbout) {
      super.save(id, record, about)
      if (isDown) throw new Error('no answer')
    }
  }
  const loader = adapted(t, () => new Failing())
  const lock = await loader.lock(id, context, 100)
  await loader.load(id, { ...context, lock })
  await t.rejects(loader.save(id, record, { ...context, lock }), { code: 'cannot-save' })
  isDown = false
  t.equal(await loader.save(id, record, { ...context, lock }), 'conflict', 'it had arrived')
  t.equal(await loader.save(id, { ...record, version: 2 }, { ...context, lock }), 'saved')
  await lock.release()
})

t.test('a class that compares by itself is heard', async t => {
  const loader = adapted(t, () => ({ load() {}, save: () => 'conflict' }))
  t.equal(await loader.save(id, record, context), 'conflict')
})

t.test('newSessionId is held to the form of ids', async t => {
  for (const wrong of ['', 'a b', "o'hara", '../x', 'x'.repeat(129), 7, undefined, 'ä']) {
    const loader = adapted(t, () => ({ load() {}, save() {}, newSessionId: () => wrong as string }))
    await t.rejects(loader.newSessionId!(context), {
      code: 'bad-loader',
      message: /newSessionId of MyLoader: expected a text of 1 to 128/,
    })
  }
  const loader = adapted(t, () => ({ load() {}, save() {}, newSessionId: async () => 'my-id_1' }))
  t.equal(await loader.newSessionId!(context), 'my-id_1')
  t.equal(adapted(t, () => new Naive()).newSessionId, undefined)
})

t.test("a lock of the class's own", async t => {
  await t.test('that is no lock is an error', async t => {
    const loader = adapted(t, () => ({ load() {}, save() {}, lock: () => undefined as unknown as Lock }))
    await t.rejects(loader.lock(id, context, 100), {
      code: 'bad-loader',
      message: 'lock of MyLoader: expected an object with release(), got undefined',
    })
  })

  await t.test('that does not come in time is an error, and is given back when it comes', async t => {
    const { promise, resolve } = Promise.withResolvers<Lock>()
    let released = 0
    const loader = adapted(t, () => ({ load() {}, save() {}, lock: () => promise }))
    await t.rejects(loader.lock(id, context, 20), { code: 'lock-timeout' })
    resolve({ release: () => void released++ })
    await new Promise(setImmediate)
    t.equal(released, 1)
  })

  await t.test(
    'is asked for by one request of this process at a time, and a release that fails is forgiven',
    async t => {
      let asked = 0
      const loader = adapted(t, () => ({
        load() {},
        save() {},
        lock() {
          asked++
          return {
            release() {
              throw new Error('gone')
            },
          }
        },
      }))
      const first = await loader.lock(id, context, 1000)
      const second = loader.lock(id, context, 1000)
      await new Promise(setImmediate)
      t.equal(asked, 1)
      await first.release()
      await (await second).release()
      t.equal(asked, 2)
    },
  )
})

t.test('a loader without a lock says once that it is exact on one machine only', async t => {
  const reports: string[] = []
  t.teardown(onReport(message => reports.push(message)))
  const lockDirectory = t.testdir({})
  const parts = { name: 'Simple', make: () => new Naive(), locks: new FileLock(lockDirectory, () => {}), lockDirectory }
  new OwnSessionLoader(parts)
  new OwnSessionLoader(parts)
  t.same(reports, [
    `the session loader Simple has no lock(): it is exact on one machine only, by the locks in ${lockDirectory}`,
  ])
  adapted(t, () => new Complete())
  t.equal(reports.length, 1)
})

t.test('close waits for who is at work; who comes later has an object that is closed after it', async t => {
  let made = 0
  let closed = 0
  const loader = adapted(t, () => {
    made++
    return { load: () => undefined, save() {}, close: () => void closed++ }
  })
  const lock = await loader.lock(id, context, 1000)
  await loader.close()
  t.same([made, closed], [1, 0])
  await loader.load(id, { ...context, lock })
  t.same([made, closed], [1, 0])
  await lock.release()
  t.same([made, closed], [1, 1])
  await loader.load(id, context)
  t.same([made, closed], [2, 2])
})
