import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { site, type TestSite } from '../support/site.ts'
import { bodyOf, dial, head, wire } from '../support/wire.ts'

/** The handlers run in this process: their calls of `globalThis.NAME` arrive here. */
const call = <Value>(name: string): Promise<Value> =>
  new Promise(resolve => ((globalThis as Record<string, unknown>)[name] = resolve))

const logs = {
  'log.ts': 'export const log = (req: any) => (globalThis as any).logged?.([req.status, req.signal.aborted])\n',
}

t.test('a generator of either kind is sent chunk by chunk; what it returns is the answer', async t => {
  const handlers = {
    sync: 'function* handler () { yield "a"; yield 1; yield null; yield new Uint8Array([98]) }',
    async: 'async function* handler () { yield "a"; yield 1; yield undefined; yield new Uint8Array([98]) }',
    iterator: 'const handler = () => new Set(["a", "1", "b"]).values()',
    promised: 'const handler = async () => (function* () { yield "a"; yield "1b" })()',
    text: 'function* handler () { yield "a"; return "1b" }',
    nested: 'function* handler () { yield* ["a", "1", "b"] }',
  }
  for (const [name, source] of Object.entries(handlers)) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': `export ${source}\n` })
    const text = await wire(await app.url())
    t.match(text, /Transfer-Encoding: chunked/, name)
    t.equal(
      bodyOf(text)
        .replace(/[0-9a-f]+\r\n(.*?)\r\n/gs, '$1')
        .trimEnd(),
      'a1b',
      name,
    )
  }
  const empty = await site(t, { '.psoaccess': '', 'handler.ts': 'export function* handler () { return { a: 1 } }\n' })
  t.same((await empty.inject('/')).json(), { a: 1 }, 'no chunk: a complete answer')
  const failing = await site(t, {
    '.psoaccess': '',
    'handler.ts': 'export function* handler () { throw new Error("x") }\n',
  })
  t.equal((await failing.inject('/')).statusCode, 500)
})

t.test('a generator does not outrun a client that takes nothing', async t => {
  for (const source of [
    'export async function* handler () { for (;;) yield piece() }',
    'export function* handler () { for (;;) yield piece() }',
    'export async function handler (req: any) { for (;;) { req.write(piece()); await req.flush() } }',
  ]) {
    const app = await site(t, {
      '.psoaccess': '',
      'handler.ts': `(globalThis as any).pieces = 0\nconst piece = () => { (globalThis as any).pieces++; return new Uint8Array(100_000) }\n${source}\n`,
    })
    const socket = dial(await app.url(), head('GET /'))
    await once(socket, 'data')
    socket.pause()
    const made = (): number => (globalThis as any).pieces
    for (let before = -1, same = 0; same < 50; same = before === made() ? same + 1 : 0) {
      before = made()
      await new Promise(done => setTimeout(done, 1))
    }
    // what the two ends of a connection on this machine hold for it, and no more
    t.ok(made() < 200, `${made()} pieces of 100 kB: ${source}`)
    socket.destroy()
  }
})

t.test('HEAD ends with the head, however much would follow, and the next request is served', async t => {
  for (const source of [
    'export async function* handler () { try { for (;;) yield "x" } finally { (globalThis as any).ended("finally") } }',
    'export function* handler () { try { for (;;) yield "x" } finally { (globalThis as any).ended("finally") } }',
    'export async function handler (req: any) { try { for (;;) { req.write("x"); await req.flush() } } finally { (globalThis as any).ended("finally") } }',
    'export const handler = () => new Response(new ReadableStream({ pull (to) { to.enqueue(new Uint8Array(100_000)) }, cancel () { (globalThis as any).ended("finally") } }))',
  ]) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': `${source}\n`, 'a.txt': 'next' })
    const ended = call('ended')
    const text = await wire(await app.url(), '/', 'HEAD')
    t.match(text, /^HTTP\/1\.1 200 /, source)
    t.equal(bodyOf(text), '')
    t.equal(await ended, 'finally')
    t.notMatch(app.errorLog(), /\[error\]/)
    t.equal((await app.inject('/a.txt')).body, 'next')
  }
})

t.test(
  'server-sent events: the session is let go with the head; an abort ends the generator, and the log sees it',
  async t => {
    const app = await site(t, {
      '.psoaccess': 'PSOServiceId = s\ns = shared\nPSOSessionLockWait = 1\nPSOLogHandler = log.ts',
      ...logs,
      'handler.ts': `export async function* handler (req: any) {
  const { session } = req.pso()
  session.n = (session.n ?? 0) + 1
  if (req.args) return yield String(session.n)
  req.contentType = 'text/event-stream'
  try {
    yield 'data: 1\\n\\n'
    await new Promise<void>(resolve => req.signal.addEventListener('abort', () => resolve()))
    yield 'data: 2\\n\\n'
    ;(globalThis as any).ended('went on')
  } finally { (globalThis as any).ended('finally') }
}`,
    })
    const ended = call('ended')
    const url = await app.url()
    const socket = dial(url, head('GET /'))
    await once(socket, 'data')
    const other = call('logged')
    t.equal(await (await fetch(`${url}/?other`)).text(), '2', 'nobody waits for it')
    t.same(await other, [200, false])
    const logged = call('logged')
    socket.destroy()
    t.equal(await ended, 'finally')
    t.same(await logged, [200, true])
  },
)

t.test('an answer without an end, for a client that takes nothing: cut after Timeout, and logged', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOLogHandler = log.ts',
      ...logs,
      'a.txt': 'next',
      'handler.ts':
        'export async function* handler () { try { for (;;) yield "x".repeat(100_000) } finally { (globalThis as any).ended("finally") } }\n',
    },
    { ini: 'Timeout = 1' },
  )
  const [ended, logged] = [call('ended'), call('logged')]
  const socket = dial(await app.url(), head('GET /'))
  await once(socket, 'data')
  socket.pause()
  t.equal(await ended, 'finally')
  t.same(await logged, [200, true])
  await accessLine(app, /"GET \/ HTTP\/1\.1" 200 \d+ /)
  socket.destroy()
  t.equal((await app.inject('/a.txt')).body, 'next', 'the next request is served')
})

/** Waits for a line of the access log. */
async function accessLine(app: TestSite, line: RegExp): Promise<void> {
  const { stateDirectory } = app
  for (;;) {
    try {
      if (line.test(readFileSync(`${stateDirectory}/access.log`, 'utf8'))) return
    } catch {
      // not written yet
    }
    await new Promise(done => setTimeout(done, 5))
  }
}
