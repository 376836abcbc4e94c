import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { site } from '../support/site.ts'
import { until } from '../support/until.ts'
import { bodyOf, dial, head, wire } from '../support/wire.ts'

// each of these waits for the limit of one second, all at the same time
t.jobs = 20

const limit = 'PSOHandlerTimeout = 1'
const never = 'await new Promise(() => {})'

t.test('a handler that does not come back is 503, and the log names it; others are served meanwhile', async t => {
  const app = await site(t, {
    '.psoaccess': limit,
    never: { '.psoaccess': 'PSOLogHandler = log.ts', 'handler.ts': does(never), 'log.ts': tells('logged') },
    other: { '.psoaccess': '', 'handler.ts': says('served') },
  })
  const logged = call('logged')
  const answer = app.inject('/never/')
  t.equal((await app.inject('/other/')).body, 'served')
  const { statusCode, body } = await answer
  t.equal(statusCode, 503)
  t.notMatch(body, /handler/, 'production tells nothing of the inside')
  t.match(
    app.errorLog(),
    /\[error\].*GET \/never\/ 503: HandlerTimeout: no answer for 1 s \(PSOHandlerTimeout\), in \/.*never\/handler\.ts::handler$/m,
  )
  t.equal(await logged, 503, 'the log phase comes as always')
})

t.test(
  'it keeps the session no longer, saves nothing, and its signal aborts; what it does later changes nothing',
  async t => {
    const app = await site(t, {
      '.psoaccess': `${limit}\nPSOServiceId = s\ns = shared\nPSOLogHandler = log.ts`,
      'log.ts': tells('over'),
      'handler.ts': does(`
      const { session } = req.pso()
      session.visits = (session.visits ?? 0) + 1
      if (req.args === 'late') await new Promise(resolve => req.signal.addEventListener('abort', resolve))
      if (req.args === 'late') (globalThis as any).late.push('woken')
      if (req.args === 'late') try { req.write('late'); await req.flush() } catch { (globalThis as any).late.push('refused') }
      return String(session.visits)`),
    })
    const late: string[] = []
    Object.assign(globalThis, { late })
    t.equal((await app.inject('/')).body, '1')
    const over = call('over')
    const answer = await app.inject('/?late')
    t.equal(answer.statusCode, 503)
    t.notMatch(answer.body, /late/)
    await over
    await until(() => late.length === 2)
    t.same(late, ['woken', 'refused'])
    t.equal((await app.inject('/')).body, '2')
  },
)

t.test('a function of any phase, a generator, and a module that never loads', async t => {
  const app = await site(t, {
    '.psoaccess': limit,
    access: {
      '.psoaccess': 'PSOAccessHandler = a.ts::access',
      'a.ts': `export async function access() { ${never} }`,
      'a.txt': '',
    },
    added: {
      '.psoaccess': 'PSOHeaderParserHandler = a.ts::add',
      'a.ts': `export function add(req: any) { req.addHandler('Access', async () => { ${never} }) }`,
      'a.txt': '',
    },
    generator: { '.psoaccess': '', 'handler.ts': `export async function* handler() { ${never}; yield 'a' }` },
    module: { '.psoaccess': '', 'handler.ts': `${never}\nexport const handler = () => 'a'` },
  })
  const paths = ['/access/a.txt', '/added/a.txt', '/generator/', '/module/']
  const answers = await Promise.all(paths.map(path => app.inject(path)))
  t.same(
    answers.map(({ statusCode }) => statusCode),
    [503, 503, 503, 503],
  )
  const log = app.errorLog()
  t.match(log, /no answer for 1 s.* in .*a\.ts::access$/m)
  t.match(log, /\/added\/a\.txt 503: .*no answer/)
  t.match(log, /generator\/ 503: .*no answer/)
  t.match(log, /\/module\/ 503: HandlerTimeout: no answer for 1 s, while a module is loaded \(PSOHandlerTimeout\)$/m)
})

t.test('no limit for an answer that has begun, for a body that comes, and where it is 0', async t => {
  const app = await site(t, {
    '.psoaccess': limit,
    begun: {
      '.psoaccess': '',
      'handler.ts': does(`req.write('begun '); await req.flush(); ${later(2500)}; return 'ended'`),
    },
    body: { '.psoaccess': 'PSOInput = off', 'handler.ts': does('return String((await req.read()).length)') },
    none: { '.psoaccess': 'PSOHandlerTimeout = 0', 'handler.ts': does(`${later(2500)}; return 'patient'`) },
  })
  const url = await app.url()
  const slow = async (): Promise<string> => {
    const socket = dial(url, head('POST /body/', 'Content-Length: 10', 'Connection: close'))
    let text = ''
    socket.on('data', chunk => (text += chunk))
    for (let sent = 0; sent < 10; sent++) {
      await sleep(300)
      socket.write('x')
    }
    await until(() => socket.closed)
    return text
  }
  const [begun, body, none] = await Promise.all([wire(url, '/begun/'), slow(), wire(url, '/none/')])
  t.match(begun, /begun .*ended/s)
  t.equal(bodyOf(body), '10')
  t.equal(bodyOf(none), 'patient')
  t.notMatch(app.errorLog(), /PSOHandlerTimeout/)
})

t.test('a stream whose client has gone away and that does not end; a server stops without it', async t => {
  const app = await site(t, {
    '.psoaccess': limit,
    'handler.ts': does(`req.write('begun'); await req.flush(); ${never}`),
  })
  const socket = dial(await app.url(), head('GET /'))
  socket.on('data', () => socket.destroy())
  await until(() => /no end/.test(app.errorLog()))
  t.match(app.errorLog(), /GET \/ 503: .*no end 1 s after the client went away \(PSOHandlerTimeout\), in .*::handler$/m)
  await app.close()
  t.notMatch(app.errorLog(), /did not end/)
})

t.test('Timeout is the limit where nothing else is said', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': does(never) }, { ini: 'Timeout = 1' })
  t.equal((await app.inject('/')).statusCode, 503)
  t.match(app.errorLog(), /no answer for 1 s \(PSOHandlerTimeout\)/)
})

t.test('it waits neither for what a function of a session does, nor for a loader, and no lock stays', async t => {
  const loader = (load: string, save: string): string => `export class Mine {
    static records = new Map<string, any>()
    async load(id: string) { ${load}; return Mine.records.get(id) }
    async save(id: string, record: any) { ${save}; Mine.records.set(id, record) }
  }`
  const app = await site(t, {
    '.psoaccess': `${limit}\nPSOServiceId = s\ns = shared\nPSOSessionLockWait = 1`,
    'handler.ts': does(`
      const { session } = req.pso()
      if (req.args === 'update') await session.update(async (s: any) => { s.changed = 1; ${never} })
      if (req.args === 'late') {
        await new Promise(resolve => req.signal.addEventListener('abort', () => setTimeout(resolve, 100)))
        session.late = 1
        await session.save().catch((error: any) => (globalThis as any).refused(error.message))
      }
      return Object.keys(session).join()`),
    load: {
      '.psoaccess': 'PSOSessionLoader = mine.ts',
      'mine.ts': loader(never, '').replaceAll('Mine', 'Mute'),
      'handler.ts': says('a'),
    },
    save: {
      '.psoaccess': 'PSOSessionLoader = mine.ts',
      'mine.ts': loader('', `if (record.data !== '{}') ${never}`),
      'handler.ts': does('if (req.args !== undefined) req.pso().session.changed = 1; return "free"'),
    },
  })
  // a server that listens keeps this process
  await app.url()
  const refused = call('refused')
  for (const path of ['/?update', '/load/', '/save/?change']) t.equal((await app.inject(path)).statusCode, 503, path)
  t.equal((await app.inject('/')).body, '')
  t.equal((await app.inject('/save/')).body, 'free')
  t.equal((await app.inject('/?late')).statusCode, 503)
  t.match(await refused, /the request has failed: nothing of its session is saved any more/)
  t.equal((await app.inject('/')).body, '')
})

t.test('what comes back after all is followed by nothing: no other function, phase, file or program', async t => {
  const back: string[] = []
  Object.assign(globalThis, { back })
  const comesBack = `await new Promise(resolve => req.signal.addEventListener('abort', () => setTimeout(resolve, 100)))`
  const first = does(`${comesBack}; (globalThis as any).back.push('back')`).replaceAll('handler', 'first')
  const next = `export const next = (): void => { (globalThis as any).back.push('followed') }\n`
  const app = await site(t, {
    '.psoaccess': limit,
    content: { '.psoaccess': 'PSOHandler = a.ts::first a.ts::next', 'a.ts': first + next },
    phase: { '.psoaccess': 'PSOAccessHandler = a.ts::first a.ts::next', 'a.ts': first + next, 'a.txt': '' },
    phases: { '.psoaccess': 'PSOAccessHandler = a.ts::first\nPSOHandler = a.ts::next', 'a.ts': first + next },
    inside: {
      '.psoaccess': '',
      'handler.ts': does(`${comesBack}; (globalThis as any).back.push('back'); req.internalRedirect('/next/')`),
    },
    next: { '.psoaccess': 'PSOHandler = a.ts::next', 'a.ts': next },
    inner: { '.psoaccess': '', 'handler.ts': does(`req.internalRedirect('/fails/')`) },
    fails: {
      '.psoaccess': '',
      'handler.ts': does(`${comesBack}; (globalThis as any).back.push('back'); throw new Error('too late')`),
    },
  })
  const paths = ['/content/', '/phase/a.txt', '/phases/', '/inside/', '/inner/']
  for (const { statusCode } of await Promise.all(paths.map(path => app.inject(path)))) t.equal(statusCode, 503)
  await until(() => back.length === paths.length)
  await sleep(100)
  t.same([...new Set(back)], ['back'])
  t.notMatch(app.errorLog(), /too late/)
})

t.test(
  'a module that never loads, asked for before the content: for a form, for the directives that it declares',
  async t => {
    const app = await site(
      t,
      {
        form: { '.psoaccess': '', 'handler.ts': `${never}\n${says('a')}` },
        declares: { '.psoaccess': 'OwnDirective = 1', 'handler.ts': `${never}\n${says('a')}` },
      },
      { ini: limit },
    )
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answers = [
      app.inject({ url: '/form/', method: 'POST', headers, payload: 'a=1' }),
      app.inject('/declares/'),
    ] as const
    for (const { statusCode } of await Promise.all(answers)) t.equal(statusCode, 503)
  },
)

t.test('a time in which the process did something else does not count', async t => {
  const app = await site(t, {
    '.psoaccess': limit,
    short: { '.psoaccess': '', 'handler.ts': does(`${later(700)}; return 'short'`) },
  })
  const answer = app.inject('/short/')
  await sleep(100)
  for (const end = performance.now() + 2000; performance.now() < end; );
  t.equal((await answer).body, 'short')
})

/** The functions run in this process: their calls of `globalThis.NAME` arrive here. */
function call(name: string): Promise<unknown> {
  return new Promise(resolve => Object.assign(globalThis, { [name]: resolve }))
}

/** A log function that calls `globalThis.NAME` with the status. */
function tells(name: string): string {
  return `export const log = (req: any) => (globalThis as any).${name}(req.status)\n`
}

function later(ms: number): string {
  return `await new Promise(resolve => setTimeout(resolve, ${ms}))`
}
