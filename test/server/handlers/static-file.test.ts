import {
  closeSync,
  fstatSync,
  readSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { FileSlice } from '../../../server/api/output.ts'
import { sendSlice } from '../../../server/files/send-slice.ts'
import { type Answer, createStaticFiles, type StaticSettings } from '../../../server/handlers/static-file.ts'
import { dial, head } from '../../support/wire.ts'

const LARGE = 200_000
const large = Buffer.from(Array.from({ length: LARGE }, (_, at) => at % 251))
const LATER = 1_000_000

interface Options {
  readonly cacheBytes?: number
  /** How far the clock is ahead of the files' times: what has just changed is not kept in memory. */
  readonly ahead?: number
  readonly recheckMs?: number
}

/** Answers for files of a new directory; slices are read and closed, so that every body is a Buffer. */
function place(t: Test, tree: Record<string, string | Buffer>, options: Options = {}) {
  const root = t.testdir(tree)
  const clock = { ahead: options.ahead ?? LATER }
  const files = createStaticFiles({
    cacheBytes: options.cacheBytes ?? 1 << 20,
    now: () => Date.now() + clock.ahead,
    recheckMs: options.recheckMs ?? 0,
  })
  const refused = new Set<string>()
  const modules = new Set<string>()
  const settings: StaticSettings = {
    AddType: new Map([['.x', 'text/x-own']]),
    AddDefaultCharset: undefined,
    isServable: path => !refused.has(path),
    isModule: path => modules.has(path),
  }
  const ask = (name: string, headers: IncomingHttpHeaders = {}, method = 'GET'): Whole =>
    whole(files.answer(method, headers, join(root, name), statSync(join(root, name)), settings))
  return { root, clock, files, settings, refused, modules, ask }
}

interface Whole {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string | undefined
  readonly streamed: boolean
}

function whole({ status, headers, body }: Answer): Whole {
  const named: Record<string, string> = {}
  for (let at = 0; at < headers.length; at += 2) named[headers[at]!] = headers[at + 1]!
  const streamed = body !== undefined && 'fd' in body
  return { status, headers: named, body: (streamed ? readSlice(body) : body)?.toString('latin1'), streamed }
}

function readSlice({ fd, start, length }: FileSlice): Buffer {
  const bytes = Buffer.alloc(length)
  const count = readSync(fd, bytes, 0, length, start)
  closeSync(fd)
  return bytes.subarray(0, count)
}

const refusal = (status: number) => ({ name: 'Refusal', status }) as unknown as Error

t.test('a file, its length, type, tag and date', async t => {
  const { root, ask } = place(t, { 'a.html': '<p>', empty: '', 'b.x': 'own', 'large.bin': large })
  utimesSync(join(root, 'a.html'), 0, 784111777)
  const { status, headers, body } = ask('a.html')
  t.same([status, body], [200, '<p>'])
  t.match(headers, {
    'Content-Length': '3',
    'Content-Type': 'text/html; charset=utf-8',
    'Last-Modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
    'Accept-Ranges': 'bytes',
    ETag: /^"[^"]+"$/,
  })
  t.notMatch(headers, { Vary: /./ })
  t.match(ask('empty'), { status: 200, headers: { 'Content-Length': '0' }, body: '' })
  t.equal(ask('b.x').headers['Content-Type'], 'text/x-own; charset=utf-8')
  const streamed = ask('large.bin')
  t.match(streamed, { status: 200, streamed: true, headers: { 'Content-Length': String(LARGE) } })
  t.ok(streamed.body === large.toString('latin1'))
})

t.test('HEAD says what GET would, without a body; POST is as GET; others are refused', async t => {
  const { ask } = place(t, { 'a.txt': 'abc', 'large.bin': large })
  for (const name of ['a.txt', 'large.bin']) {
    const head = ask(name, { range: 'bytes=0-0' }, 'HEAD')
    t.equal(head.body, undefined)
    t.same(head.headers, ask(name).headers)
    t.equal(head.status, 200)
  }
  t.match(ask('a.txt', {}, 'POST'), { status: 200, body: 'abc' })
  for (const method of ['PUT', 'DELETE', 'PATCH', 'PROPFIND'])
    t.match(ask('a.txt', {}, method), { status: 405, headers: { Allow: /GET, HEAD/ }, body: undefined })
  t.match(ask('a.txt', {}, 'OPTIONS'), { status: 200, headers: { Allow: /GET, HEAD/ }, body: undefined })
})

t.test('conditions, in the order of RFC 9110 13.2.2', async t => {
  const { root, ask } = place(t, { 'a.txt': 'abc', 'large.bin': large })
  for (const name of ['a.txt', 'large.bin']) {
    utimesSync(join(root, name), 0, 784111777)
    const etag = ask(name).headers.ETag!
    const same = 'Sun, 06 Nov 1994 08:49:37 GMT'
    const before = 'Sun, 06 Nov 1994 08:49:36 GMT'
    const cases: [IncomingHttpHeaders, number][] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `"x", W/${etag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"x"' }, 200],
      [{ 'if-none-match': '"x"', 'if-modified-since': same }, 200],
      [{ 'if-modified-since': same }, 304],
      [{ 'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 304],
      [{ 'if-modified-since': 'Sun Nov  6 08:49:37 1994' }, 304],
      [{ 'if-modified-since': before }, 200],
      [{ 'if-modified-since': '0' }, 200],
      [{ 'if-modified-since': '2094-11-06' }, 200],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': '"x"' }, 412],
      [{ 'if-match': `W/${etag}` }, 412],
      [{ 'if-match': etag, 'if-unmodified-since': before }, 200],
      [{ 'if-unmodified-since': same }, 200],
      [{ 'if-unmodified-since': before }, 412],
      [{ 'if-unmodified-since': 'yesterday' }, 200],
      [{ 'if-match': '"x"', 'if-none-match': etag }, 412],
    ]
    for (const [headers, status] of cases) t.equal(ask(name, headers).status, status, JSON.stringify(headers))
    const unchanged = ask(name, { 'if-none-match': etag })
    t.equal(unchanged.body, undefined)
    t.equal(unchanged.headers.ETag, etag)
    t.equal(unchanged.headers['Content-Length'], undefined)
  }
})

t.test('one range of bytes', async t => {
  const { ask } = place(t, { 'a.txt': '0123456789', empty: '', 'large.bin': large })
  for (const [range, status, body, contentRange] of [
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
    ['BYTES=5-99999999999999999999', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, undefined, 'bytes */10'],
    ['bytes=99999999999999999999-', 416, undefined, 'bytes */10'],
    ['bytes=-0', 416, undefined, 'bytes */10'],
    ['bytes=4-2', 200, '0123456789', undefined],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['bytes=-', 200, '0123456789', undefined],
    ['bytes=a-b', 200, '0123456789', undefined],
    ['lines=0-1', 200, '0123456789', undefined],
    ['bytes=0x1-2', 200, '0123456789', undefined],
  ] as const) {
    const found = ask('a.txt', { range })
    t.same([found.status, found.body, found.headers['Content-Range']], [status, body, contentRange], range)
    if (body !== undefined) t.equal(found.headers['Content-Length'], String(body.length), range)
  }
  t.match(ask('empty', { range: 'bytes=0-' }), { status: 416, headers: { 'Content-Range': 'bytes */0' } })
  const part = ask('large.bin', { range: 'bytes=1000-1999' })
  t.match(part, { status: 206, streamed: true, headers: { 'Content-Range': `bytes 1000-1999/${LARGE}` } })
  t.ok(part.body === large.toString('latin1', 1000, 2000))
  t.equal(ask('a.txt', { range: 'bytes=0-0' }, 'POST').status, 200, 'of GET alone')
})

t.test('If-Range: the part only of the same file, else the whole', async t => {
  const { ask } = place(t, { 'a.txt': '0123456789' })
  const { ETag: etag, 'Last-Modified': date } = ask('a.txt').headers
  for (const [condition, status] of [
    [etag, 206],
    [date, 206],
    [`W/${etag}`, 200],
    ['"x"', 200],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 200],
  ] as const)
    t.equal(ask('a.txt', { range: 'bytes=0-1', 'if-range': condition! } as IncomingHttpHeaders).status, status)
})

t.test('a precompressed neighbour goes out to who takes it, with a tag of its own', async t => {
  const { root, ask } = place(t, { 'a.html': 'plain', 'a.html.br': 'BR', 'a.html.gz': 'GZ', 'b.html': 'b' })
  for (const [accept, encoding, body] of [
    ['gzip, br', 'br', 'BR'],
    ['gzip', 'gzip', 'GZ'],
    ['x-gzip', 'gzip', 'GZ'],
    ['br;q=0.5, gzip', 'gzip', 'GZ'],
    ['br;q=0, *', 'gzip', 'GZ'],
    ['*', 'br', 'BR'],
    ['identity;q=0, gzip;q=0.1', 'gzip', 'GZ'],
    ['identity, gzip;q=0.5', undefined, 'plain'],
    ['gzip;q=0', undefined, 'plain'],
    ['zstd, deflate', undefined, 'plain'],
    ['', undefined, 'plain'],
  ] as const) {
    const found = ask('a.html', { 'accept-encoding': accept })
    t.same([found.headers['Content-Encoding'], found.body], [encoding, body], accept)
    t.match(found.headers, { Vary: 'Accept-Encoding', 'Content-Type': 'text/html; charset=utf-8' }, accept)
  }
  const tags = ['br', 'gzip', ''].map(accept => ask('a.html', { 'accept-encoding': accept }).headers.ETag)
  t.equal(new Set(tags).size, 3)
  t.match(ask('a.html', { 'accept-encoding': 'br', 'if-none-match': tags[0]! }), {
    status: 304,
    headers: { Vary: 'Accept-Encoding' },
  })
  t.equal(ask('b.html', { 'accept-encoding': 'br' }).headers.Vary, undefined)

  t.match(ask('a.html.br').headers['Content-Encoding'], undefined, 'asked for by its own name it is a file')
  t.match(ask('a.html', { 'accept-encoding': 'br' }).headers, { 'Content-Encoding': 'br', 'Content-Type': /html/ })

  const later = Date.now() / 1000 + 100
  utimesSync(join(root, 'a.html'), later, later)
  t.match(ask('a.html', { 'accept-encoding': 'br' }), { body: 'plain' }, 'an older neighbour is of an older file')
})

t.test('a neighbour that is a link is none', async t => {
  const { root, ask } = place(t, { 'a.html': 'plain', secret: 'SECRET' })
  symlinkSync(join(root, 'secret'), join(root, 'a.html.br'))
  t.match(ask('a.html', { 'accept-encoding': 'br' }), { body: 'plain' })
})

t.test('a name that leaves no room for an ending has no neighbours', async t => {
  const name = `${'a'.repeat(250)}.txt`
  t.equal(place(t, { [name]: 'long' }).ask(name, { 'accept-encoding': 'br' }).body, 'long')
})

t.test('a neighbour that comes or goes is seen, at once or after a while', async t => {
  const { root, clock, ask } = place(t, { 'a.html': 'plain' }, { recheckMs: 1000 })
  const accept = { 'accept-encoding': 'br' }
  t.equal(ask('a.html', accept).body, 'plain')
  writeFileSync(join(root, 'a.html.br'), 'BR')
  t.equal(ask('a.html', accept).body, 'plain')
  clock.ahead += 5000
  t.equal(ask('a.html', accept).body, 'BR')
  t.equal(ask('a.html').headers.Vary, 'Accept-Encoding', 'also of what is kept in memory from before')
})

t.test('the second check is asked for each file, and for what is kept in memory', async t => {
  const { root, refused, modules, ask } = place(t, { 'a.js': 'code', 'b.js': 'code', 'large.js': large })
  refused.add(join(root, 'a.js'))
  refused.add(join(root, 'large.js'))
  t.throws(() => ask('a.js'), refusal(404))
  t.throws(() => ask('large.js'), refusal(404))
  t.throws(() => ask('large.js', {}, 'HEAD'), refusal(404))
  t.equal(ask('b.js').body, 'code')
  modules.add(join(root, 'b.js'))
  t.throws(() => ask('b.js'), refusal(404), 'a handler has imported it since')
})

t.test('the second check sees the real path of the open file', async t => {
  const { root, files, settings, refused } = place(t, { 'a.txt': 'a', secret: 'SECRET' })
  const stats = statSync(join(root, 'a.txt'))
  refused.add(join(root, 'secret'))
  renameSync(join(root, 'a.txt'), join(root, 'away'))
  symlinkSync('secret', join(root, 'a.txt'))
  t.throws(() => files.answer('GET', {}, join(root, 'a.txt'), stats, settings), refusal(404))
})

t.test('what has gone, has become a directory or a pipe, or cannot be read', async t => {
  const { root, files, settings } = place(t, { 'a.txt': 'a' })
  const stats = statSync(join(root, 'a.txt'))
  const answer = (file: string) => () => files.answer('GET', {}, file, stats, settings)
  const { execFileSync } = await import('node:child_process')
  execFileSync('mkfifo', [join(root, 'fifo')])
  t.throws(answer(join(root, 'gone')), refusal(404))
  t.throws(answer(join(root, 'a.txt', 'x')), refusal(404))
  t.throws(answer(root), refusal(403))
  t.throws(answer(join(root, 'fifo')), refusal(403), 'without waiting for a writer')
})

t.test('small files stay in memory as long as their stat is the same', async t => {
  const { root, files, settings } = place(t, { 'a.txt': 'one' })
  const file = join(root, 'a.txt')
  const stats = statSync(file)
  const ask = (given = stats) => whole(files.answer('GET', {}, file, given, settings)).body
  t.equal(ask(), 'one')
  writeFileSync(join(root, 'new'), 'two')
  renameSync(join(root, 'new'), file)
  t.equal(ask(), 'one', 'told the old stat, it does not look')
  t.equal(ask(statSync(file)), 'two')
})

t.test('a file that changed a moment ago is read each time: its times may not tell', async t => {
  const { root, files, settings } = place(t, { 'a.txt': 'one' }, { ahead: 0 })
  const file = join(root, 'a.txt')
  const stats = statSync(file)
  t.equal(whole(files.answer('GET', {}, file, stats, settings)).body, 'one')
  writeFileSync(file, 'two')
  t.equal(whole(files.answer('GET', {}, file, stats, settings)).body, 'two')
})

t.test('the memory has a bound, and what is in use stays', async t => {
  const names = Array.from({ length: 20 }, (_, at) => `${at}.txt`)
  const tree = Object.fromEntries(names.map(name => [name, 'x'.repeat(1024)]))
  const { root, files, settings } = place(t, tree, { cacheBytes: 10 * 2048 })
  const paths = names.map(name => join(root, name))
  const stats = new Map(paths.map(path => [path, statSync(path)]))
  const ask = (path: string): string => whole(files.answer('GET', {}, path, stats.get(path)!, settings)).body!
  for (const path of paths) {
    ask(path)
    ask(paths[0]!)
  }
  // what is in memory does not notice a change that it is not told of
  for (const path of paths) writeFileSync(path, 'y'.repeat(1024))
  t.match(ask(paths[0]!), /^x/, 'the one in use')
  // the youngest first: what is not kept is read, and drops an older one
  const kept = paths.toReversed().filter(path => ask(path).startsWith('x'))
  t.ok(kept.length > 1 && kept.length <= 10, `${kept.length} of 20`)
})

t.test('a file replaced while it is sent: the old one to its end, under its own tag', async t => {
  const { root, files, settings } = place(t, { 'large.bin': large })
  const file = join(root, 'large.bin')
  const answer = files.answer('GET', {}, file, statSync(file), settings)
  writeFileSync(join(root, 'new'), Buffer.alloc(LARGE * 2, 'n'))
  renameSync(join(root, 'new'), file)
  const old = whole(answer)
  t.ok(old.body === large.toString('latin1'))
  const fresh = whole(files.answer('GET', {}, file, statSync(file), settings))
  t.equal(fresh.headers['Content-Length'], String(LARGE * 2))
  t.not(fresh.headers.ETag, old.headers.ETag)
})

t.test('told the stat of a file that is no more, the answer is of the one that is open', async t => {
  const { root, files, settings } = place(t, { 'large.bin': large })
  const file = join(root, 'large.bin')
  const stats = statSync(file)
  writeFileSync(join(root, 'new'), Buffer.alloc(LARGE + 1, 'n'))
  renameSync(join(root, 'new'), file)
  const { headers, body } = whole(files.answer('GET', {}, file, stats, settings))
  t.equal(headers['Content-Length'], String(LARGE + 1))
  t.equal(body?.length, LARGE + 1)
})

/** Serves one slice for each request and says what became of its descriptor. */
async function sending(
  t: Test,
  slice: () => FileSlice,
  before: (response: ServerResponse) => void = () => {},
  timeoutMs = 0,
) {
  const closed: Promise<boolean>[] = []
  const server = createServer((_, response) => {
    const taken = slice()
    response.writeHead(200, { 'Content-Length': taken.length })
    before(response)
    const sent = sendSlice(taken, response, timeoutMs).then(
      () => response.end(),
      () => response.destroy(),
    )
    closed.push(sent.then(() => isClosed(taken.fd)))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, closed, server }
}

function isClosed(fd: number): boolean {
  try {
    fstatSync(fd)
    return false
  } catch {
    return true
  }
}

t.test('sendSlice: a part of a file, and of one that grows no more than was promised', async t => {
  const { root, files, settings } = place(t, { 'large.bin': large })
  const file = join(root, 'large.bin')
  const { url, closed } = await sending(
    t,
    () => files.answer('GET', { range: 'bytes=100-' }, file, statSync(file), settings).body as FileSlice,
    () => writeFileSync(file, 'more', { flag: 'a' }),
  )
  const body = Buffer.from(await (await fetch(url)).arrayBuffer())
  t.ok(body.equals(large.subarray(100)))
  t.equal(await closed[0], true)
})

t.test('sendSlice: a file that is cut off while it is sent is an error', async t => {
  const { root, files, settings } = place(t, { 'large.bin': large })
  const file = join(root, 'large.bin')
  const { url, closed } = await sending(
    t,
    () => files.answer('GET', {}, file, statSync(file), settings).body as FileSlice,
    () => truncateSync(file, 1000),
  )
  await t.rejects(fetch(url).then(response => response.arrayBuffer()))
  t.equal(await closed[0], true)
})

t.test('sendSlice: a file written anew in its place while it is sent is an error, one that grows is not', async t => {
  const { root, files, settings } = place(t, {})
  const file = join(root, 'huge.bin')
  const size = 20_000_000
  const old = Buffer.alloc(size, 'o')
  const replace = (): void => {
    writeFileSync(`${file}.new`, Buffer.alloc(size, 'n'))
    renameSync(`${file}.new`, file)
  }
  for (const [change, isWhole] of [
    [() => writeFileSync(file, Buffer.alloc(size, 'n')), false],
    [() => writeFileSync(file, Buffer.alloc(size + 1, 'n')), false],
    [() => writeFileSync(file, 'more', { flag: 'a' }), true],
    [replace, true],
  ] as const) {
    writeFileSync(file, old)
    const { url, closed, server } = await sending(
      t,
      () => files.answer('GET', {}, file, statSync(file), settings).body as FileSlice,
    )
    const got = await new Promise<string>(resolve => {
      let text = ''
      const socket = dial(url, head('GET /', 'Connection: close'))
      socket.once('data', () => {
        // the client stops, so that the server has sent a part of it
        socket.pause()
        setTimeout(() => {
          change()
          socket.resume()
        }, 50)
      })
      socket.on('data', chunk => (text += chunk.toString('latin1')))
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
    })
    const body = got.slice(got.indexOf('\r\n\r\n') + 4)
    t.notMatch(body, 'n', 'no byte of another version')
    t.equal(body.length === size, isWhole)
    t.equal(await closed[0], true)
    server.close()
  }
})

t.test('sendSlice: a client that takes nothing is cut off after the timeout', async t => {
  const { root, files, settings } = place(t, { 'huge.bin': Buffer.alloc(20_000_000) })
  const file = join(root, 'huge.bin')
  const { url, closed } = await sending(
    t,
    () => files.answer('GET', {}, file, statSync(file), settings).body as FileSlice,
    () => {},
    100,
  )
  const socket = dial(url, head('GET /'))
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('readable', resolve))
  t.equal(await closed[0], true)
  socket.destroy()
})

t.test('sendSlice: a client that goes away leaves no open file', async t => {
  const { root, files, settings } = place(t, { 'huge.bin': Buffer.alloc(20_000_000) })
  const file = join(root, 'huge.bin')
  const { url, closed } = await sending(
    t,
    () => files.answer('GET', {}, file, statSync(file), settings).body as FileSlice,
  )
  const socket = dial(url, head('GET /'))
  await new Promise(resolve => socket.once('data', resolve))
  socket.destroy()
  t.equal(await closed[0], true)
})

t.test('sendSlice: nor does one that goes away with requests waiting behind each other', async t => {
  const { root, files, settings } = place(t, { 'huge.bin': Buffer.alloc(20_000_000) })
  const file = join(root, 'huge.bin')
  const { url, closed } = await sending(
    t,
    () => files.answer('GET', {}, file, statSync(file), settings).body as FileSlice,
  )
  const socket = dial(url, head('GET /').repeat(3))
  await new Promise(resolve => socket.once('data', resolve))
  socket.destroy()
  t.same(await Promise.all(closed), Array(closed.length).fill(true))
  t.ok(closed.length >= 1)
})
