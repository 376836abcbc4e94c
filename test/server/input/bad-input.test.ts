import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { does } from '../../support/handlers.ts'
import { multipartBody, multipartEnd, multipartType, partHead } from '../../support/multipart.ts'
import { site, type TestSite } from '../../support/site.ts'
import { until } from '../../support/until.ts'
import { uploadsIn } from '../../support/uploads.ts'
import { head, rawClient } from '../../support/wire.ts'

const tree = {
  '.psoaccess': 'PSOInputMaxFileSize = 1000\nPSOInputMaxFiles = 3\nPSOInputMaxFields = 50\nLimitRequestBody = 3000000',
  'handler.ts': does(
    'const p = req.pso(); return { fields: p.getInputs().length, a: p.getInput("a")?.slice(0, 20), json: typeof p.getJson(), names: Object.keys(p.getInputDict()), files: p.getFiles().map((file: any) => [file.filename, file.size]), polluted: ({} as any).polluted }',
  ),
}

/** At the level that is logged by default. */
const ini = 'LogLevel = warn'
const urlencoded = 'application/x-www-form-urlencoded'
const file = { name: 'up', filename: 'a.txt' }
const many = (count: number, part: (at: number) => { name: string; filename?: string; content: string }): Buffer =>
  multipartBody(Array.from({ length: count }, (_, at) => part(at)))

interface Bad {
  readonly type: string
  readonly body: string | Buffer
  readonly status: number
  /** The one line of the error log that is expected; none where the input is harmless. */
  readonly log?: RegExp
  /** Of the answer, where there is one. */
  readonly answer?: object
}

const cases: Readonly<Record<string, Bad>> = {
  '10,000 parts': {
    type: multipartType,
    body: many(10_000, at => ({ name: `a${at}`, content: 'x' })),
    status: 413,
    log: /more than 50 fields \(PSOInputMaxFields\)/,
  },
  '10,000 parts that are no fields': {
    type: multipartType,
    body: Buffer.from(`${'------pso-test-boundary\r\nX: y\r\n\r\nz\r\n'.repeat(10_000)}${multipartEnd}`),
    status: 413,
    log: /more parts than 50 fields and 3 files/,
  },
  '10,000 files': {
    type: multipartType,
    body: many(10_000, () => ({ ...file, content: 'x' })),
    status: 413,
    log: /more than 3 files \(PSOInputMaxFiles\)/,
  },
  '51 fields': {
    type: urlencoded,
    body: 'a=1&'.repeat(51),
    status: 413,
    log: /more than 50 fields \(PSOInputMaxFields\)/,
  },
  'files where none is chosen do not count': {
    type: multipartType,
    body: many(10, () => ({ name: 'up', filename: '', content: '' })),
    status: 200,
    answer: { files: [] },
  },
  'a file that is too large': {
    type: multipartType,
    body: multipartBody([{ ...file, content: 'x'.repeat(1001) }]),
    status: 413,
    log: /more than 1000 bytes \(PSOInputMaxFileSize\)/,
  },
  'a file that is just not too large': {
    type: multipartType,
    body: multipartBody([{ ...file, content: 'x'.repeat(1000) }]),
    status: 200,
    answer: { files: [['a.txt', 1000]] },
  },
  'a field that is too large': {
    type: multipartType,
    body: multipartBody([{ name: 'a', content: 'x'.repeat(1024 * 1024 + 1) }]),
    status: 413,
    log: /a field of the form has more than 1048576 bytes/,
  },
  'a head of a part without an end': {
    type: multipartType,
    body: `------pso-test-boundary\r\nX: ${'y'.repeat(2_000_000)}`,
    status: 413,
    log: /a field of the form has more/,
  },
  'a body that is too large': {
    type: urlencoded,
    body: `a=${'x'.repeat(3_000_000)}`,
    status: 413,
    log: /the body has 3000002 bytes, LimitRequestBody is 3000000/,
  },
  'no boundary': { type: 'multipart/form-data', body: 'x', status: 400, log: /malformed: .*Boundary not found/ },
  'an empty boundary': { type: 'multipart/form-data; boundary=', body: '--\r\n', status: 400, log: /malformed/ },
  'another boundary': {
    type: 'multipart/form-data; boundary=other',
    body: multipartBody([{ name: 'a', content: '1' }]),
    status: 400,
    log: /malformed: Unexpected end/,
  },
  'truncated in a field': {
    type: multipartType,
    body: `${partHead({ name: 'a' })}12`,
    status: 400,
    log: /malformed: Unexpected end/,
  },
  'truncated in a file': {
    type: multipartType,
    body: `${partHead(file)}12`,
    status: 400,
    log: /malformed: Unexpected end/,
  },
  'truncated in a head': {
    type: multipartType,
    body: '------pso-test-boundary\r\nContent-Disp',
    status: 400,
    log: /malformed: Unexpected end/,
  },
  'truncated before the last boundary': {
    type: multipartType,
    body: multipartBody([{ ...file, content: '12' }]).subarray(0, -10),
    status: 400,
    log: /malformed: Unexpected end/,
  },
  'no parts': { type: multipartType, body: multipartEnd, status: 200, answer: { fields: 0 } },
  'something behind the form': {
    type: multipartType,
    body: `${multipartBody([{ name: 'a', content: '1' }])}epilogue\r\n${partHead(file)}`,
    status: 200,
    answer: { a: '1', files: [] },
  },
  'a path for a filename': {
    type: multipartType,
    body: multipartBody([{ ...file, filename: '../../x', content: '12' }]),
    status: 200,
    answer: { files: [['x', 2]] },
  },
  'NUL in values and names': {
    type: urlencoded,
    body: 'a=x%00y&%00=z',
    status: 200,
    answer: { a: 'x\0y', names: ['a', '\0'] },
  },
  'NUL in parts': {
    type: multipartType,
    body: multipartBody([
      { name: 'a', content: 'x\0y' },
      { name: 'up', filename: 'a\0.txt', content: '\0' },
    ]),
    status: 200,
    answer: { a: 'x\0y', files: [['a.txt', 1]] },
  },
  'names of Object.prototype': {
    type: urlencoded,
    body: '__proto__=1&constructor=2&__proto__[polluted]=3&hasOwnProperty=4',
    status: 200,
    answer: { names: ['__proto__', 'constructor', '__proto__[polluted]', 'hasOwnProperty'] },
  },
  'names of Object.prototype in parts': {
    type: multipartType,
    body: multipartBody([
      { name: '__proto__', content: '1' },
      { name: '__proto__', filename: '__proto__', content: '1' },
    ]),
    status: 200,
    answer: { names: ['__proto__'], files: [['__proto__', 1]] },
  },
  'names of Object.prototype in JSON': {
    type: 'application/json',
    body: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    status: 200,
    answer: { names: ['__proto__', 'constructor'], json: 'object' },
  },
  'JSON 100,000 deep': {
    type: 'application/json',
    body: `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    status: 200,
    answer: { a: '['.repeat(20) },
  },
  'JSON 100,000 deep that cannot be written again': {
    type: 'application/json',
    body: `{"a":${'{"1":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    status: 400,
    log: /cannot be fields: Maximum call stack/,
  },
  'JSON 100,000 deep that is no object': {
    type: 'application/json',
    body: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    status: 200,
    answer: { fields: 0, json: 'object' },
  },
  'JSON that has no end': { type: 'application/json', body: '['.repeat(100_000), status: 400, log: /no JSON/ },
  'JSON of control characters': {
    type: 'application/problem+json',
    body: '"\n"',
    status: 400,
    log: /no JSON: Bad control/,
  },
  'JSON that is not UTF-8': {
    type: 'application/json; charset=utf-8',
    body: Buffer.from('"\xff"', 'latin1'),
    status: 400,
    log: /no JSON: it is not UTF-8/,
  },
  'an urlencoded form that is not UTF-8': {
    type: urlencoded,
    body: Buffer.from('a=\xff%ff', 'latin1'),
    status: 200,
    answer: { a: '\ufffd\ufffd' },
  },
}

const linesOf = (app: TestSite): string[] =>
  app
    .errorLog()
    .split('\n')
    .filter(line => line !== '')

/** One line more than before, at a level that is logged by default. */
function hasOneLine(t: Test, app: TestSite, before: number, log: RegExp | undefined): void {
  const lines = linesOf(app).slice(before)
  t.equal(lines.length, log === undefined ? 0 : 1, lines.join('\n'))
  if (log !== undefined) t.match(lines[0], log)
}

t.test(
  'bad input ends in a status that is named, and one line of the error log; the next request is served',
  async t => {
    const app = await site(t, tree, { ini })
    const url = await app.url()
    for (const [name, { type, body, status, log, answer }] of Object.entries(cases)) {
      const before = linesOf(app).length
      const client = await rawClient(url)
      const length = Buffer.byteLength(body)
      void client.write(head('POST /', `Content-Type: ${type}`, `Content-Length: ${length}`, 'Connection: close'))
      void client.write(body as Buffer)
      const text = await client.ended
      t.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), name)
      t.notOk(client.wasReset(), `${name}: the answer could be read`)
      if (answer !== undefined)
        t.match(JSON.parse(Buffer.from(text.slice(text.indexOf('\r\n\r\n')), 'latin1').toString()), answer, name)
      hasOneLine(t, app, before, log)
      client.socket.destroy()
      t.match((await app.inject('/?a=1')).json(), { a: '1', polluted: undefined }, `${name}: the next is served`)
    }
    await until(() => uploadsIn(app.stateDirectory).length === 0)
  },
)

t.test(
  'a form that grows too large while it is sent is 413, and the connection closes though the client goes on',
  async t => {
    const app = await site(
      t,
      { ...tree, off: { '.psoaccess': 'PSOInput = off', 'handler.ts': does('await req.read()') } },
      { ini },
    )
    const url = await app.url()
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    for (const [path, type] of [
      ['/', urlencoded],
      ['/', 'application/json'],
      ['/off/', 'text/plain'],
    ] as const) {
      const before = linesOf(app).length
      const client = await rawClient(url)
      await client.write(head(`POST ${path}`, `Content-Type: ${type}`, 'Transfer-Encoding: chunked'))
      for (let sent = 0; !/^HTTP/.test(client.text()) && sent < 1000; sent++) await client.write(chunk)
      const answer = await client.ended
      t.match(answer, /^HTTP\/1\.1 413 .*\r\nConnection: close\r\n.*<\/html>\s*$/is, `${path} ${type}`)
      hasOneLine(t, app, before, /more than 3000000 bytes \(LimitRequestBody\)/)
      if (path === '/off/')
        // a write fails once the server has cut the connection
        for (let sent = 0; sent < 20_000 && client.socket.writable; sent++) {
          await client.write(chunk)
          await sleep(1)
        }
      else client.socket.destroy()
      t.notOk(client.socket.writable, 'it does not read on for ever')
    }
  },
)

t.test('a body whose length is a lie is 400, or ends early; the next connection is served', async t => {
  const app = await site(
    t,
    { ...tree, off: { '.psoaccess': 'PSOInput = off', 'handler.ts': does('return `${await req.read()}`') } },
    { ini },
  )
  const url = await app.url()
  for (const path of ['/', '/off/']) {
    for (const [framing, body, answer] of [
      ['Transfer-Encoding: chunked', '3\r\na=1\r\nzz\r\n', /^HTTP\/1\.1 400 /],
      ['Transfer-Encoding: chunked', '3\r\na=12345\r\n0\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['Transfer-Encoding: chunked', `${'f'.repeat(17)}\r\na`, /^HTTP\/1\.1 400 /],
      ['Content-Length: 3', 'a=1b=2&GET', /^HTTP\/1\.1 400 /],
      ['Content-Length: -3', 'a=1', /^HTTP\/1\.1 400 /],
      ['Content-Length: 99999999999999999999999', 'a=1', /^HTTP\/1\.1 4(00|13) /],
    ] as const) {
      const client = await rawClient(url)
      await client.write(head(`POST ${path}`, `Content-Type: ${urlencoded}`, framing) + body)
      t.match(await client.ended, answer, `${path} ${framing} ${body.slice(0, 20)}`)
      client.socket.destroy()
    }
    t.equal((await app.inject('/')).statusCode, 200)
  }
  t.notMatch(app.errorLog(), /uncaught/)
})

t.test('an upload that cannot be stored is the server’s failure', async t => {
  const app = await site(t, tree, { ini })
  writeFileSync(join(app.stateDirectory, 'uploads'), 'no directory')
  const form = multipartBody([{ ...file, content: 'x' }])
  const post = { method: 'POST' as const, url: '/', headers: { 'content-type': multipartType }, payload: form }
  t.equal((await app.inject(post)).statusCode, 500)
  t.match(app.errorLog(), /an uploaded file could not be stored: E\w+/)
  rmSync(join(app.stateDirectory, 'uploads'))
  t.equal((await app.inject(post)).statusCode, 200)
})
