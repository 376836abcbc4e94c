import { once } from 'node:events'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { does } from '../../support/handlers.ts'
import { openBelow } from '../../support/open-files.ts'
import { site, type TestSite, type Tree } from '../../support/site.ts'
import { bodyOf, dial, fields, head, wire } from '../../support/wire.ts'

const LARGE = 3_000_000
const large = Buffer.from(Array.from({ length: LARGE }, (_, at) => 97 + (at % 23))).toString('latin1')

/** Runs what the query says. */
const runs = does('return await eval(`(async () => {${decodeURIComponent(req.args)}})()`)')

const withFiles = async (t: Parameters<typeof site>[0], more: Tree = {}, options = {}): Promise<TestSite> =>
  site(t, { '.psoaccess': '', 'handler.ts': runs, 'a.txt': 'abcdef', 'large.bin': large, ...more }, options)

const run = (code: string): string => `/?${encodeURIComponent(code)}`

t.test('parts of a file: what there is of them, and how many bytes that will be', async t => {
  const app = await withFiles(t)
  const cases = [
    ['"a.txt"', 'abcdef'],
    ['"a.txt", 2', 'cdef'],
    ['"a.txt", 2, 3', 'cde'],
    ['"a.txt", 0, 0', ''],
    ['"a.txt", 4, 100', 'ef'],
    ['"a.txt", 6', ''],
    ['"a.txt", 100, 2', ''],
    ['"../public_html/a.txt", 5', 'f'],
    [`"${'ROOT'}/a.txt"`, 'abcdef'],
    ['"large.bin"', large],
    ['"large.bin", 100000, 2000000', large.slice(100_000, 2_100_000)],
  ] as const
  for (const [args, body] of cases) {
    const call = `req.sendfile(${args.replace('ROOT', app.root)})`
    const answer = await app.inject(run(`req.headersOut.set("X-Bytes", ${call})`))
    t.equal(answer.statusCode, 200, args)
    t.ok(answer.body === body, args)
    t.equal(answer.headers['content-length'], String(body.length), args)
    t.equal(answer.headers['x-bytes'], String(body.length), args)
  }
  t.same(openBelow(app.root), [])
})

t.test('files and text go out in their order, whether they are flushed, waited for, or neither', async t => {
  const app = await withFiles(t)
  const url = await app.url()
  const parts =
    'const part = (text, at) => { req.write(text); req.sendfile("large.bin", at, 1000000); req.write(`</${at}>`) };'
  const expected = `a${large.slice(1, 1_000_001)}</1>b${large.slice(2, 1_000_002)}</2>c`
  for (const code of [
    `${parts} part("a", 1); part("b", 2); return "c"`,
    `${parts} part("a", 1); await req.flush(); part("b", 2); await req.flush(); return "c"`,
    `${parts} part("a", 1); req.flush(); part("b", 2); req.flush(); return "c"`,
    `${parts} req.write("a"); req.flush(); req.sendfile("large.bin", 1, 1000000); req.flush(); req.write("</1>"); req.flush(); part("b", 2); return "c"`,
  ])
    t.ok(bodyOf(await chunkless(url + run(code))) === expected, code)
  t.same(openBelow(app.root), [])
})

const chunkless = async (url: string): Promise<string> => `\r\n\r\n${await (await fetch(url)).text()}`

t.test('an answer that is one file has the type of its extension, where nothing else says one', async t => {
  const app = await withFiles(t, {
    'x.odd': 'x',
    'p.json': '{}',
    'y.own': 'y',
    '.psoaccess': 'AddType = text/x-own .own',
  })
  for (const [code, type] of [
    ['req.sendfile("p.json")', 'application/json; charset=utf-8'],
    ['req.sendfile("a.txt")', 'text/plain; charset=utf-8'],
    ['req.sendfile("y.own")', 'text/x-own; charset=utf-8'],
    ['req.sendfile("x.odd")', undefined],
    ['req.sendfile("p.json", 100)', 'application/json; charset=utf-8'],
    ['req.sendfile("p.json"); await req.flush()', 'application/json; charset=utf-8'],
    ['req.contentType = "text/x-mine"; req.sendfile("p.json")', 'text/x-mine'],
    ['req.headersOut.set("Content-Type", "text/x-mine"); req.sendfile("p.json")', 'text/x-mine'],
    ['req.write("<p>"); req.sendfile("p.json")', 'text/html; charset=utf-8'],
    ['req.sendfile("p.json"); req.sendfile("a.txt")', 'text/html; charset=utf-8'],
  ] as const)
    t.equal((await app.inject(run(code))).headers['content-type'], type, code)
})

t.test('what cannot be sent is an error that says why, and nothing stays open', async t => {
  const app = await withFiles(t, { sub: { '.psoaccess': 'PSOHandler = ../handler.ts', 'b.txt': 'b' } })
  for (const [args, log] of [
    [
      '"none.txt"',
      /expected a file to send, there is no \/.*public_html\/none\.txt: none\.txt is looked for where the/,
    ],
    ['"/none.txt"', /there is no \/none\.txt, /],
    ['"a.txt/x"', /there is no /],
    ['"sub"', /public_html\/sub is a directory/],
    ['"/dev/null"', /\/dev\/null is something else/],
    ['"a\\0b"', /ERR_INVALID_ARG_VALUE/],
    ['5', /expected the path of a file to send, got number/],
    ['"a.txt", -1', /an offset of 0 bytes or more, got -1/],
    ['"a.txt", 1.5', /an offset .*got 1\.5/],
    ['"a.txt", "1"', /an offset .*got 1/],
    ['"a.txt", 0, -1', /a length of 0 bytes or more, got -1/],
    ['"a.txt", 0, NaN', /a length .*got NaN/],
  ] as const) {
    const answer = await app.inject(run(`req.write("text"); req.sendfile("a.txt"); req.sendfile(${args})`))
    t.equal(answer.statusCode, 500, args)
    t.notMatch(answer.body, /abcdef|public_html/, args)
    t.match(app.errorLog().trimEnd().split('\n').at(-1), log, args)
  }
  t.equal((await app.inject(`/sub${run('req.sendfile("b.txt")')}`)).body, 'b', 'from where the handler is named')
  t.same(openBelow(app.root), [])
})

t.test('a body that is not sent: HEAD, 204, 304, an error after it, a redirect, and DECLINED', async t => {
  const app = await withFiles(t)
  const get = async (code: string, method: 'GET' | 'HEAD' = 'GET'): Promise<unknown[]> => {
    const { statusCode, headers, body } = await app.inject({ url: run(code), method })
    return [statusCode, headers['content-length'], body.length > 100 ? 'page' : body]
  }
  t.same(await get('req.sendfile("large.bin")', 'HEAD'), [200, String(LARGE), ''])
  t.same(await get('req.sendfile("large.bin"); await req.flush(); req.sendfile("large.bin")', 'HEAD'), [
    200,
    undefined,
    '',
  ])
  t.same(await get('req.sendfile("large.bin"); return 204'), [204, undefined, ''])
  t.same(await get('req.sendfile("large.bin"); return 304'), [304, undefined, ''])
  t.match(await get('req.sendfile("large.bin"); throw new Error("x")'), [500, String, 'page'])
  t.match(await get('req.sendfile("large.bin"); return 404'), [404, String, 'page'])
  t.match(await get('req.sendfile("large.bin"); req.pso().redirect("/x")'), [302, '0', ''])
  t.match(await get('req.sendfile("large.bin"); return DECLINED'), [404, String, 'page'])
  t.same(openBelow(app.root), [])
})

t.test(
  'a client that goes away, an error after a flush, a file that shrinks: cut off, and nothing stays open',
  async t => {
    const app = await withFiles(t, {
      '.psoaccess': 'PSOLogHandler = log.ts',
      'log.ts': 'export const log = () => (globalThis as any).logged?.()\n',
    })
    const url = await app.url()
    const huge = join(app.root, 'huge.bin')
    writeFileSync(huge, '')
    truncateSync(huge, 300_000_000)
    for (const flushes of ['', 'await req.flush()', 'req.flush()']) {
      const logged = new Promise(resolve => ((globalThis as any).logged = resolve))
      const code = `req.sendfile("huge.bin"); req.sendfile("huge.bin"); ${flushes}; req.sendfile("huge.bin")`
      const socket = dial(url, head(`GET ${run(code)}`))
      await once(socket, 'data')
      socket.destroy()
      await logged
      await closed(app.root)
    }
    const failed = await wire(
      url,
      run(
        'req.sendfile("huge.bin"); req.flush(); req.sendfile("huge.bin"); await new Promise(setImmediate); throw new Error("late")',
      ),
    )
    t.notMatch(failed.slice(-7), /^\r\n0\r\n\r\n$/, 'no end')
    await closed(app.root)
    const socket = dial(url, head(`GET ${run('req.sendfile("huge.bin")')}`, 'Connection: close'))
    const [first] = (await once(socket, 'data')) as [Buffer]
    t.same(fields(first.toString('latin1'), 'content-length'), ['300000000'])
    truncateSync(huge, 1000)
    socket.resume()
    await once(socket, 'close')
    await closed(app.root)
    t.match(app.errorLog(), /\[error\].* 500: .*a file was changed while it was sent/)
  },
)

t.test('a file that shrinks behind a flush that nobody awaits is cut too, by a reset for HTTP/1.0', async t => {
  for (const version of ['1.0', '1.1']) {
    const app = await withFiles(t)
    const huge = join(app.root, 'huge.bin')
    writeFileSync(huge, '')
    truncateSync(huge, 300_000_000)
    const code = 'req.write("begun"); await req.flush(); req.sendfile("huge.bin"); req.flush(); return "end"'
    const socket = dial(await app.url(), `GET ${run(code)} HTTP/${version}\r\nHost: x\r\n\r\n`)
    socket.on('error', () => {})
    await once(socket, 'data')
    truncateSync(huge, 1000)
    let end = ''
    socket.on('data', chunk => (end = `${end}${chunk.toString('latin1')}`.slice(-10)))
    const hadError = await new Promise(resolve => socket.once('close', resolve))
    if (version === '1.0') t.equal(hadError, true)
    t.notMatch(end, /end|\r\n0\r\n\r\n$/, version)
    t.match(app.errorLog(), /\[error\].* 500: .*a file was changed while it was sent/)
    await closed(app.root)
  }
})

/** A read that is under way is waited for before its file is closed. */
async function closed(root: string): Promise<void> {
  while (openBelow(root).length > 0) await new Promise(setImmediate)
}

t.test('a length that was promised and flushed: the last byte leaves after the session is saved', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\ns = shared',
    'six.bin': '123456',
    'handler.ts': does(`
      const { session } = req.pso()
      if (req.args === 'read') return String(session.n)
      req.headersOut.set('Content-Length', 12)
      req.write('abc')
      await req.flush()
      req.write('def')
      req.sendfile('six.bin')
      await req.flush()
      await new Promise<void>(resolve => ((globalThis as any).goOn = resolve))
      session.n = 1`),
  })
  const socket = dial(await app.url(), head('GET /', 'Connection: close'))
  let text = ''
  socket.on('data', chunk => (text += chunk))
  while (!text.endsWith('abc') || (globalThis as any).goOn === undefined) await new Promise(setImmediate)
  ;(globalThis as any).goOn()
  await once(socket, 'close')
  t.equal(bodyOf(text), 'abcdef123456')
  t.equal((await app.inject('/?read')).body, '1')
})

t.test('files that no descriptor is left for are a failed handler', async t => {
  const app = await withFiles(t)
  // far fewer than a server may open would be no test; all of them are given back
  const answer = await app.inject(
    run(
      'let n = 0; try { for (;;) { req.sendfile("a.txt", 0, 1); n++; if (n === 5000) throw new Error("enough") } } finally { globalThis.opened = n }',
    ),
  )
  t.equal(answer.statusCode, app.errorLog().includes('EMFILE') ? 503 : 500)
  t.match(app.errorLog(), /EMFILE|enough/)
  t.same(openBelow(app.root), [])
})
