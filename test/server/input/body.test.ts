import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { does, says } from '../../support/handlers.ts'
import { multipartEnd, multipartType, partHead } from '../../support/multipart.ts'
import { site } from '../../support/site.ts'
import { until } from '../../support/until.ts'
import { dial, exchange, head, rawClient } from '../../support/wire.ts'

const off = (body: string) => ({ '.psoaccess': 'PSOInput = off', 'handler.ts': does(body) })
const post = (payload: string | Buffer, url = '/', type = 'application/x-www-form-urlencoded') => ({
  method: 'POST' as const,
  url,
  headers: { 'content-type': type },
  payload,
})

t.test('a handler reads a body piece by piece: so many bytes, lines, the rest', async t => {
  const app = await site(t, {
    size: off(
      'const out = []; for (let piece; (piece = await req.read(3)).length > 0;) out.push(`${piece}`); return [...out, (await req.read()).length]',
    ),
    all: off('return [`${await req.read()}`, `${await req.read()}`, await req.readline()]'),
    lines: off('const out = []; for (let line; (line = await req.readline()) !== "";) out.push(line); return out'),
    each: off('const out = []; for await (const chunk of req) out.push(chunk); return [`${Buffer.concat(out)}`]'),
    mixed: off(
      'return [await req.readline(), `${await req.read(2)}`, `${await req.read(0)}`, await req.readline(), `${await req.read()}`]',
    ),
    together: off('return (await Promise.all([req.read(2), req.read(2), req.readline(), req.read()])).map(String)'),
    none: off('return [(await req.read()).length, await req.readline(), req.pso().getInput("a")]'),
  })
  const text = 'a=1\nzwö\r\n\nend'
  const cases = {
    size: ['a=1', '\nzw', Buffer.from('ö\r').toString(), '\n\ne', 'nd', 0],
    all: [text, '', ''],
    lines: ['a=1\n', 'zwö\r\n', '\n', 'end'],
    each: [text],
    mixed: ['a=1\n', 'zw', '', 'ö\r\n', '\nend'],
    together: ['a=', '1\n', 'zwö\r\n', '\nend'],
  }
  const url = await app.url()
  for (const [name, expected] of Object.entries(cases)) {
    t.same((await app.inject(post(text, `/${name}/`))).json(), expected, name)
    const pieces = Array.from(Buffer.from(text), byte => Uint8Array.of(byte))
    const init = { method: 'POST', body: ReadableStream.from(pieces), duplex: 'half' } as RequestInit
    t.same(await (await fetch(`${url}/${name}/`, init)).json(), expected, `${name}, byte by byte`)
  }
  t.same((await app.inject('/none/')).json(), [0, '', null], 'no body')
  t.same((await app.inject('/none/?a=1')).json(), [0, '', '1'], 'the query is input all the same')
})

t.test(
  'a body that is no form is left to the handler; one that was read before is an error that says what to write',
  async t => {
    const app = await site(t, {
      '.psoaccess': '',
      'handler.ts': does('return [`${await req.read()}`, req.pso().getInputs().length, req.pso().getJson() ?? null]'),
      iterates: {
        '.psoaccess': '',
        'handler.ts': does('for await (const chunk of req) return `${chunk}`; return "none"'),
      },
    })
    t.same((await app.inject(post('<x/>', '/', 'text/xml'))).json(), ['<x/>', 0, null])
    t.same((await app.inject(post('a=1', '/', 'multipart/form-data-not'))).json(), ['a=1', 0, null])
    for (const url of ['/', '/iterates/'])
      for (const type of ['application/x-www-form-urlencoded', 'application/json; charset=utf-8'])
        t.equal((await app.inject(post('{}', url, type))).statusCode, 500, `${url} ${type}`)
    t.match(app.errorLog(), /the body was read before the handler began: PSOInput = off leaves it to the handler/)
    t.equal((await app.inject({ url: '/iterates/', headers: { 'content-type': 'application/json' } })).body, 'none')
  },
)

t.test('JSON is input: its members beside the query’s fields, and its value as a whole', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'const p = req.pso(); return { pairs: p.getInputSeq(), json: p.getJson(), isSent: p.getJson() !== undefined }',
    ),
  })
  const cases: readonly (readonly [text: string, pairs: readonly (readonly [string, string])[], json?: unknown])[] = [
    [
      '{"a":"ä","b":1.5,"c":true,"d":null,"e":["x",2,null,{"f":1}],"g":{"h":[1]},"i":[]}',
      [
        ['a', 'ä'],
        ['b', '1.5'],
        ['c', 'true'],
        ['d', ''],
        ['e', 'x'],
        ['e', '2'],
        ['e', ''],
        ['e', '{"f":1}'],
        ['g', '{"h":[1]}'],
      ],
    ],
    ['[1,2]', []],
    ['"text"', []],
    ['null', []],
    ['\ufeff{"a":1}', [['a', '1']], { a: 1 }],
  ]
  for (const [text, pairs, json = JSON.parse(text)] of cases) {
    const answer = (await app.inject(post(text, '/?q=1', 'application/vnd.api+json; charset=utf-8'))).json()
    t.same(answer, { pairs: [['q', '1'], ...pairs], json, isSent: true }, text)
  }
  for (const sent of [post('', '/', 'application/json'), { url: '/', headers: { 'content-type': 'application/json' } }])
    t.same((await app.inject(sent)).json(), { pairs: [], isSent: false })
})

t.test('LimitRequestBody holds while a handler reads, and a line has its bound', async t => {
  const app = await site(t, {
    '.psoaccess': 'LimitRequestBody = 2000000\nPSOInput = off',
    'handler.ts': does('for await (const chunk of req); return "all"'),
    line: off('return String((await req.readline()).length)'),
    caught: off('try { await req.read() } catch (error: any) { return [error instanceof ServerReturn, error.status] }'),
  })
  const url = await app.url()
  const send = async (path: string, size: number): Promise<string> => {
    const pieces = Array.from({ length: size / 10_000 }, () => new Uint8Array(10_000))
    const body = ReadableStream.from(pieces)
    const response = await fetch(url + path, { method: 'POST', body, duplex: 'half' } as RequestInit)
    return `${response.status} ${(await response.text()).slice(0, 20)}`
  }
  t.equal(await send('/', 2_000_000), '200 all')
  t.match(await send('/', 2_010_000), /^413 /)
  t.equal(await send('/line/', 1_000_000), '200 1000000')
  t.match(await send('/line/', 1_100_000), /^413 /)
  t.equal(await send('/caught/', 2_010_000), '200 [true,413]')
})

t.test('a client that goes away ends who reads its body, and who was only waiting for it', async t => {
  const app = await site(
    t,
    {
      form: { '.psoaccess': '', 'handler.ts': does('return "form"') },
      off: off('try { await req.read() } catch (error: any) { req.logError(`saw ${error.status}`); throw error }'),
    },
    { ini: 'LogLevel = warn' },
  )
  const url = await app.url()
  for (const [path, type, sent] of [
    ['/form/', 'application/x-www-form-urlencoded', 'a='],
    ['/form/', 'application/json', '{"a"'],
    ['/form/', multipartType, partHead({ name: 'a', filename: 'a' })],
    ['/off/', 'text/plain', 'abc'],
  ] as const)
    for (const how of ['ends', 'is reset'] as const) {
      const before = app.errorLog().length
      const client = await rawClient(url)
      const fields = [`Content-Type: ${type}`, 'Content-Length: 1000']
      await client.write(head(`POST ${path}`, ...fields) + sent)
      if (how === 'ends') client.socket.end()
      else client.socket.resetAndDestroy()
      const isSaid = (): boolean => app.errorLog().slice(before).includes('ended early')
      await until(isSaid)
      client.socket.destroy()
    }
  t.equal(app.errorLog().match(/saw 400/g)?.length, 2)
  t.notMatch(app.errorLog(), /uncaught/)
})

t.test('a body that does not come is 408 after Timeout; one that takes longer and comes is taken', async t => {
  const app = await site(
    t,
    { '.psoaccess': '', 'handler.ts': does('return String(req.pso().getInput("a", "").length)') },
    { ini: 'Timeout = 1' },
  )
  const url = await app.url()
  const client = await rawClient(url)
  await client.write(head('POST /', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 5000'))
  await client.write('a=1')
  t.match(await client.ended, /^HTTP\/1\.1 408 /)
  t.match(app.errorLog(), /\[error\].*408: the body does not come: 3 bytes in 1 s \(Timeout\)/)
  const steady = await rawClient(url)
  await steady.write(head('POST /', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 5000'))
  await steady.write('a=')
  for (let sent = 2; sent < 5000; sent += 714) {
    await sleep(300)
    await steady.write('x'.repeat(714))
  }
  t.match(await steady.until(/4998$/), /^HTTP\/1\.1 200 /)
  steady.socket.destroy()
})

t.test('a client that waits for 100 is asked for its body when somebody wants it', async t => {
  const app = await site(t, {
    '.psoaccess': 'LimitRequestBody = 1000',
    'handler.ts': does('return req.pso().getInput("a")'),
    reads: off('return `${await req.read()}`'),
    ignores: off('return "no"'),
    closed: { '.psoaccess': 'Require = all denied', 'handler.ts': does('return "open"') },
  })
  const url = await app.url()
  const ask = async (path: string, length: number) => {
    const client = await rawClient(url)
    const type = 'Content-Type: application/x-www-form-urlencoded'
    await client.write(head(`POST ${path}`, type, `Content-Length: ${length}`, 'Expect: 100-continue'))
    return client
  }
  for (const path of ['/', '/reads/']) {
    const client = await ask(path, 3)
    t.equal(await client.until(/\r\n\r\n/), 'HTTP/1.1 100 Continue\r\n\r\n')
    await client.write('a=1')
    t.match(await client.until(/200 OK.*1$/s), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*1$/s)
    client.socket.destroy()
  }
  for (const [path, length, status] of [
    ['/', 1001, 413],
    ['/reads/', 1001, 413],
    ['/ignores/', 3, 200],
    ['/closed/', 3, 403],
  ] as const) {
    const client = await ask(path, length)
    const answer = await client.ended
    t.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close`), `${path} ${length}`)
    t.notMatch(answer, '100 Continue')
    client.socket.destroy()
  }
})

t.test(
  'what else a client expects is 417, as others that cannot be served: on each address, with its lines',
  async t => {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': says('never') }, { ini: 'Listen = 127.0.0.1:0' })
    for (const url of await app.listen()) {
      for (const expected of ['garbage', '200-ok', '100-continued'])
        t.match(
          await exchange(url, head('POST /?q', `Expect: ${expected}`, 'Content-Length: 3', 'Connection: close')),
          /^HTTP\/1\.1 417 .*text\/html.*cannot do what is expected/s,
          expected,
        )
      t.match(
        await exchange(url, head('GET /', 'Expect: 100-Continue', 'Connection: close')),
        /^HTTP\/1\.1 200 .*never$/s,
        'whatever its letter case',
      )
    }
    await app.close()
    t.equal(
      app.errorLog().match(/POST \/\?q 417: the client expects "garbage", and only 100-continue can be$/gm)?.length,
      2,
    )
    t.equal(
      readFileSync(join(app.stateDirectory, 'access.log'), 'utf8').match(/"POST \/\?q HTTP\/1.1" 417 /g)?.length,
      6,
    )
  },
)

t.test('a function of an earlier phase may ask for the query’s input: the form comes all the same', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOAccessHandler = access.ts',
    'access.ts': 'export const access = (req: any) => { req.notes.early = req.pso().getInputs() }\n',
    'handler.ts': does('return [req.notes.early, req.pso().getInputs()]'),
  })
  t.same((await app.inject(post('a=2', '/?a=1'))).json(), [['1'], ['1', '2']])
})

t.test('a form that comes slowly does not hold the session: others have it meanwhile', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOServiceId = s\nPSOSessionLockWait = 1',
    'handler.ts': does(
      'const { session } = req.pso(); session.visits = (session.visits ?? 0) + 1; return `${session.visits} ${req.pso().getInput("a", "")}`',
    ),
  })
  const url = await app.url()
  const first = await fetch(url)
  const cookie = first.headers.getSetCookie()[0]!.split(';')[0]!
  for (const [type, before, after] of [
    ['application/x-www-form-urlencoded', 'a=', 'b'],
    ['application/json', '{"a":"b', '"}'],
    [multipartType, partHead({ name: 'a' }), `b\r\n${multipartEnd}`],
  ] as const) {
    const visits = Number((await (await fetch(url, { headers: { cookie } })).text()).trim())
    const slow = await rawClient(url)
    const length = `Content-Length: ${before.length + after.length}`
    await slow.write(head('POST /', `Content-Type: ${type}`, length, `Cookie: ${cookie}`, 'Connection: close') + before)
    t.equal(await (await fetch(url, { headers: { cookie } })).text(), `${visits + 1} `)
    await slow.write(after)
    t.match(await slow.ended, new RegExp(`\r\n\r\n${visits + 2} b$`), type)
  }
})

t.test('a small body that nobody reads is in nobody’s way: the connection serves the next request', async t => {
  const app = await site(t, {
    'a.txt': 'static',
    ignores: off('return "ignored"'),
    begins: off('return `began ${await req.read(1)}`'),
    fails: off('await req.read(1); throw new Error("no")'),
  })
  const client = await rawClient(await app.url())
  const body = 'x'.repeat(100_000)
  for (const [path, expected] of [
    ['/ignores/', /ignored$/],
    ['/begins/', /began x$/],
    ['/fails/', /^HTTP\/1\.1 500 /],
    ['/a.txt', /static$/],
    ['/missing', /^HTTP\/1\.1 404 /],
  ] as const)
    for (const late of [false, true]) {
      const before = client.text().length
      await client.write(head(`POST ${path}`, 'Content-Type: text/plain', `Content-Length: ${body.length}`))
      if (!late) await client.write(body)
      else await client.write(body.slice(0, 10))
      await client.until(new RegExp(`^[^]{${before}}HTTP/1.1 \\d+ [^]*(ignored|began x|static|</html>\\n?)$`))
      t.match(client.text().slice(before), expected, `${path}${late ? ', its body comes after the answer' : ''}`)
      t.notMatch(client.text().slice(before), 'Connection: close')
      if (late) await client.write(body.slice(10))
    }
})

t.test('a large body that nobody reads ends the connection, after an answer that can be read', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('return "ignored"'),
    flushes: off('req.write("a"); await req.flush(); return "b"'),
  })
  for (const [path, end] of [
    ['/', /ignored$/],
    ['/flushes/', /\r\n2\r\nab\r\n0\r\n\r\n$/],
  ] as const) {
    const client = await rawClient(await app.url())
    const size = 8_000_000
    await client.write(head(`POST ${path}`, 'Content-Type: text/plain', `Content-Length: ${size}`))
    await client.write('x'.repeat(size / 2))
    t.match(await client.ended, end, path)
    await client.write('x'.repeat(size / 2))
    t.notOk(client.wasReset(), 'it was read to its end')
    client.socket.end()
    await until(() => client.socket.destroyed)
  }
})

t.test('a slow reader of a body holds its client up', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOInput = off\nLimitRequestBody = 0',
    'handler.ts': does(
      'await req.read(1); await new Promise(go => process.once("pso-test-go" as any, go)); let size = 1; for await (const chunk of req) size += chunk.length; return String(size)',
    ),
  })
  const size = 64 * 1024 * 1024
  const sent = head('POST /', 'Content-Type: text/plain', `Content-Length: ${size}`, 'Connection: close')
  const socket = dial(await app.url(), sent)
  socket.write(Buffer.alloc(size))
  let answer = ''
  socket.on('data', chunk => (answer += chunk))
  let taken = -1
  // what the system buffers between the two has filled up
  await until(async () => {
    const before = taken
    taken = socket.bytesWritten - socket.writableLength
    await sleep(100)
    return before === taken
  })
  t.equal(answer, '')
  process.emit('pso-test-go' as never)
  await new Promise(over => socket.once('close', over))
  t.match(answer, new RegExp(`${size}$`))
})
