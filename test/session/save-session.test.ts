import t, { type Test } from 'tap'
import type { LoaderContext, SessionLoader, SessionRecord } from '../../session/loader.ts'
import { FileSessionLoader } from '../../session/loaders/file.ts'
import { MemoryLoader } from '../../session/loaders/memory.ts'
import { abandonSession, finishSession, openSession } from '../../session/open-session.ts'
import { onReport } from '../../session/report.ts'
import type { Session } from '../../session/session.ts'
import { sessionKey, sessionName } from '../../session/session-key.ts'
import { transportNamed } from '../../session/transports/transport-named.ts'
import { service } from './service.ts'

const day = 24 * 60 * 60 * 1000

const kinds: readonly (readonly [string, (t: Test) => SessionLoader])[] = [
  ['memory', () => new MemoryLoader()],
  [
    'file',
    t => {
      const loader = new FileSessionLoader(t.testdir({}))
      t.teardown(() => loader.close())
      return loader
    },
  ],
]

for (const [kind, make] of kinds) {
  t.test(`${kind}: merge keeps what both sides changed, key by key`, async t => {
    const { open, request, dataOf } = service(make(t), { lock: 'merge' })
    const id = await request(undefined, session => Object.assign(session, { cart: [1], name: 'a', old: 1, both: 0 }))
    const [one, other] = [await open(id), await open(id)]
    one.cart.push(2)
    one.both = 1
    delete one.old
    other.name = 'b'
    other.seen = true
    other.both = 2
    await finishSession(one)
    await finishSession(other)
    t.same(await dataOf(id), { cart: [1, 2], name: 'b', seen: true, both: 2 })
    t.same({ ...other }, { cart: [1, 2], name: 'b', both: 2, seen: true }, 'who saves later sees what came of it')
  })

  t.test(`${kind}: merge, 64 at once: every key of everybody is there`, async t => {
    const { open, request, dataOf } = service(make(t), { lock: 'merge' })
    const id = await request(undefined, session => (session.first = true))
    const all = await Promise.all(Array.from({ length: 64 }, () => open(id)))
    await Promise.all(
      all.map(async (session, number) => {
        session[`key${number}`] = number
        await finishSession(session)
      }),
    )
    t.equal(Object.keys(await dataOf(id)).length, 65)
  })

  for (const lock of ['on', 'merge', 'off'] as const)
    t.test(`${kind}: update() counts exactly with PSOSessionLock = ${lock}, 100 at once`, async t => {
      const { request, dataOf } = service(make(t), { lock })
      const id = await request(undefined, session => (session.visits = 0))
      await Promise.all(
        Array.from({ length: 100 }, () =>
          request(id, session =>
            session.update(async one => {
              const { visits } = one
              await new Promise(setImmediate)
              one.visits = visits + 1
            }),
          ),
        ),
      )
      t.equal((await dataOf(id)).visits, 100)
    })

  t.test(`${kind}: after release(), an update is exact and keeps what was changed before it`, async t => {
    const { open, request, dataOf } = service(make(t))
    const id = await request(undefined, session => (session.visits = 1))
    const session = await open(id)
    await session.release()
    await request(id, other => (other.visits = 10))
    session.mine = true
    await session.update(one => (one.visits += 1))
    t.same({ ...session }, { visits: 11, mine: true })
    await finishSession(session)
    t.same(await dataOf(id), { visits: 11, mine: true })
  })

  t.test(
    `${kind}: after release(), what is changed without update() meets a conflict, and nothing is lost`,
    async t => {
      const { open, request, dataOf } = service(make(t))
      const id = await request(undefined, session => (session.visits = 1))
      const session = await open(id)
      await session.release()
      await request(id, other => (other.visits = 10))
      session.visits = 2
      await t.rejects(async () => finishSession(session), { code: 'conflict' })
      t.same(await dataOf(id), { visits: 10 })
    },
  )

  for (const lock of ['on', 'merge', 'off'] as const) {
    t.test(`${kind}, PSOSessionLock = ${lock}: a slower request does not undo a logout`, async t => {
      const { open, request } = service(make(t), { lock })
      const id = await request(undefined, session => (session.user = 'ada'))
      const slow = await open(id, { lock: lock === 'on' ? 'off' : lock })
      await request(id, session => session.invalidate())
      slow.page = 1
      await t.rejects(async () => finishSession(slow), { code: 'conflict' })
      const after = await open(id)
      t.equal(after.status, 'new')
      t.same({ ...after }, {})
    })

    t.test(`${kind}, PSOSessionLock = ${lock}: a logout goes over what a faster request wrote`, async t => {
      const { open, request } = service(make(t), { lock })
      const id = await request(undefined, session => (session.user = 'ada'))
      const leaving = await open(id, { lock: lock === 'on' ? 'off' : lock })
      await request(id, session => (session.page = 1))
      leaving.invalidate()
      await finishSession(leaving)
      t.equal((await open(id)).status, 'new')
    })
  }

  t.test(`${kind}: regenerate() carries data and label to another id, and the old one is dead`, async t => {
    const { open, request, dataOf } = service(make(t))
    const old = await request(undefined, session => (session.cart = [1]))
    const id = await request(old, async session => {
      session.label('ada')
      await session.regenerate()
      session.user = 'ada'
    })
    t.not(id, old)
    t.same(await dataOf(id), { cart: [1], user: 'ada' })
    const after = await open(old)
    t.equal(after.status, 'new')
    await abandonSession(after)
  })

  t.test(`${kind}: regenerate() that cannot save leaves the session as it was`, async t => {
    const { open, request, dataOf } = service(make(t))
    const id = await request(undefined, session => (session.user = 'ada'))
    const session = await open(id)
    session.wrong = () => {}
    await t.rejects(session.regenerate(), { code: 'bad-value' })
    delete session.wrong
    session.more = 1
    await t.rejects(async () => finishSession(session), { code: 'bad-value' }, 'a call that failed is a failed save')
    t.same(await dataOf(id), { user: 'ada' })
  })

  t.test(`${kind}: what a clock that went wrong has ended stays ended when it is set right`, async t => {
    for (const jump of [day + 1, -day]) {
      const { clock, request, open } = service(make(t), { expire: { seconds: 60 * 60 } })
      const id = await request(undefined, session => (session.user = 'ada'))
      clock.now += jump
      const fresh = await request(id, session => (session.user = 'eve'))
      t.not(fresh, id, 'a fresh session')
      clock.now -= jump
      const after = await open(id)
      t.equal(after.status, 'new', 'nothing is revived')
      await abandonSession(after)
    }
  })

  t.test(
    `${kind}: data that nobody can read give a fresh session, are kept under the key that is said, and said once`,
    async t => {
      const said: string[] = []
      t.teardown(onReport(message => said.push(message)))
      const loader = make(t)
      for (const data of ['{"a":', '{"a":{"$nonsense":1}}', '[]', '']) {
        said.length = 0
        const { request, open } = service(loader)
        const id = await request(undefined, session => (session.user = 'ada'))
        const stored = (await loader.load(id, { serviceId: 's' }))!
        t.equal(await loader.save(id, { ...stored, data, version: stored.version + 1 }, { serviceId: 's' }), 'saved')
        for (let visit = 0; visit < 2; visit++) {
          const session = await open(id)
          t.equal(session.status, 'new')
          t.same({ ...session }, {})
          await abandonSession(session)
        }
        t.equal(said.length, 1, data)
        t.match(said[0], `with the key ${sessionKey(sessionName('s', `damaged:${id}`))}`)
        t.equal((await loader.load(`damaged:${id}`, { serviceId: 's' }))!.data, data)
      }
    },
  )

  t.test(`${kind}: a session of another service under the same id is unknown, and stays as it is`, async t => {
    const loader = make(t)
    const { request, dataOf } = service(loader)
    const id = await request(undefined, session => (session.user = 'ada'))
    const other = await openSession(
      {
        serviceId: 't',
        loader,
        lock: 'on',
        lockWaitMs: 100,
        readOnly: false,
        maxSize: 1000,
        cookie: {},
        transport: transportNamed('cookie'),
        resolvePath: String,
        lockDirectory: '',
      },
      { cookieHeader: `t=${id}`, query: undefined, secure: false },
      Date.now,
    )
    t.equal(other.status, 'new')
    t.same(await dataOf(id), { user: 'ada' })
  })

  t.test(
    `${kind}: a session over PSOSessionMaxSize is refused by its largest key, and what is stored stays`,
    async t => {
      const { request, dataOf } = service(make(t), { maxSize: 1000 })
      const id = await request(undefined, session => (session.note = 'x'.repeat(900)))
      await t.rejects(
        request(id, session => Object.assign(session, { small: 1, big: 'ä'.repeat(500), other: 'y' })),
        {
          code: 'too-large',
          message: /the session has 19\d\d bytes, PSOSessionMaxSize is 1000: the largest key is session\.big with 1010/,
        },
      )
      t.same(await dataOf(id), { note: 'x'.repeat(900) })
      await t.rejects(
        request(undefined, session => (session.all = 'x'.repeat(1000))),
        { code: 'too-large' },
      )
    },
  )

  t.test(`${kind}: label() is kept with the session, alone too, and taken back by revert()`, async t => {
    const loader = make(t)
    const { open, request } = service(loader)
    const labelOf = async (id: string) => ((await loader.load(id, { serviceId: 's' })) as SessionRecord).label
    const id = await request(undefined, session => session.label('ada'))
    t.equal(await labelOf(id), 'ada')
    await request(id, session => (session.page = 1))
    t.equal(await labelOf(id), 'ada', 'a save without it keeps it')
    await request(id, session => {
      session.label('eve')
      session.revert()
    })
    t.equal(await labelOf(id), 'ada')
    await request(id, session => session.label(''))
    t.equal(await labelOf(id), undefined)
    const session = await open(id)
    for (const wrong of [undefined, 7, 'x'.repeat(256)])
      t.throws(() => session.label(wrong as string), {
        message: /session\.label: expected a text of at most 255 characters, got/,
      })
    for (const wrong of ['a\0b', 'a\ud83d', '\ude00a'])
      t.throws(() => session.label(wrong), { message: /session\.label: expected a text of whole characters, got/ })
    session.label('é😀')
    await abandonSession(session)
  })

  t.test(`${kind}: a read-only session refuses label and end as it refuses changes`, async t => {
    const { request } = service(make(t))
    const id = await request(undefined, session => (session.user = 'ada'))
    const readOnly = { readOnly: true }
    for (const change of [
      (session: Session) => session.label('ada'),
      (session: Session) => session.invalidate(),
      (session: Session) => (session.page = 1),
      (session: Session) => session.update(one => (one.page = 1)),
    ])
      await t.rejects(request(id, change, readOnly), { code: 'read-only' })
    await request(id, session => session.user, readOnly)
  })
}

t.test(
  'the lock goes back with the last save where the loader can, and is given back where nothing is saved',
  async t => {
    const calls: string[] = []
    class Spy extends MemoryLoader {
      override save(id: string, record: SessionRecord, context: LoaderContext) {
        calls.push(`save${context.isLast === true ? ' last' : ''}${context.lock === undefined ? '' : ' locked'}`)
        return super.save(id, record, context)
      }
    }
    const { request } = service(new Spy())
    const id = await request(undefined, session => (session.visits = 1))
    await request(id, async session => {
      session.visits = 2
      await session.save()
      session.visits = 3
    })
    t.same(calls, ['save last', 'save locked', 'save last locked'])
    calls.length = 0
    await request(id, session => session.visits)
    t.same(calls, [])
  },
)

t.test('a key tells nothing of the id', t => {
  t.equal(sessionKey(sessionName('s', 'A'.repeat(27))).length, 64)
  t.notMatch(sessionKey(sessionName('s', 'A'.repeat(27))), /A{5}/)
  t.end()
})
