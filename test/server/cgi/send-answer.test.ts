import { writeFileSync } from 'node:fs'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { answers, cgiSite, sh } from '../../support/cgi-site.ts'
import { does, says } from '../../support/handlers.ts'
import { multipartPost } from '../../support/multipart.ts'
import { dial, head } from '../../support/wire.ts'

t.test('status and header lines are what the program says', async t => {
  const app = await cgiSite(
    t,
    {
      'any.cgi': sh('exec cat'),
    },
    { lines: 'ErrorDocument = 404 "the document"' },
  )
  const ask = (said: string, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
    app.inject({ method, url: '/any.cgi', payload: said })
  for (const [said, status, body, headers] of [
    ['Content-Type: text/plain\n\nhello', 200, 'hello', { 'content-type': 'text/plain' }],
    ['Content-Type: text/plain\r\n\r\nhello\r\n', 200, 'hello\r\n', {}],
    ['Status: 404 Not Here\nContent-Type: text/plain\n\nmine', 404, 'mine', {}],
    ['Status: 404\n\n', 404, '', { 'content-type': undefined }],
    ['Status: 500\nX: y\n\nmine', 500, 'mine', { x: 'y' }],
    ['Status: 999\n\nodd', 999, 'odd', {}],
    ['X-A: 1\n\nno type', 200, 'no type', { 'content-type': undefined, 'x-a': '1' }],
    ['\nno header', 200, 'no header', { 'content-type': undefined }],
    ['X-A: 1\nX-A: 2\n\n', 200, '', { 'x-a': ['1', '2'] }],
    ['Set-Cookie: a=1; Path=/\nSet-Cookie: b=2\n\n', 200, '', { 'set-cookie': ['a=1; Path=/', 'b=2'] }],
    ['Content-Type: a/b\nContent-Type: c/d\n\n', 200, '', { 'content-type': 'c/d' }],
    ['Transfer-Encoding: gzip\n\nbody', 200, 'body', {}],
    ['Trailer: X-A\nKeep-Alive: timeout=99\n\nbody', 200, 'body', { trailer: undefined, 'keep-alive': undefined }],
    ['Content-Length: 4\n\nbody', 200, 'body', { 'content-length': '4' }],
    ['Status: 204\nContent-Length: 4\n\nbody', 204, '', { 'content-length': undefined }],
    ['Status: 304\nETag: "x"\n\nbody', 304, '', { etag: '"x"' }],
    ['Status: 302 Found\nLocation: /there\n\nsee', 302, 'see', { location: '/there' }],
    ['Status: 201\nLocation: http://h.test/new\n\nmade', 201, 'made', { location: 'http://h.test/new' }],
    ['ETag: "x"\nLast-Modified: Mon, 23 Nov 2026 02:09:39 GMT\n\nx', 200, 'x', { etag: '"x"' }],
  ] as const) {
    const answer = await ask(said)
    t.same([answer.statusCode, answer.body], [status, body], JSON.stringify(said))
    for (const [name, value] of Object.entries(headers)) t.same(answer.headers[name], value, `${name} of ${said}`)
  }
  t.equal((await ask('Status: 404 Not Here\n\n')).statusMessage, 'Not Here', 'its own reason')
  const head = await ask('Content-Type: text/plain\nContent-Length: 4\n\nbody', 'HEAD')
  t.match([head.statusCode, head.body, head.headers['content-length']], [200, '', '4'], 'HEAD runs the program')
  t.equal((await ask('A: b\n\nbody', 'HEAD')).headers['content-length'], undefined)
  t.equal((await ask('A: b\n\nbody', 'POST')).body, 'body')
  const conditional = await app.inject({
    url: '/any.cgi',
    payload: 'ETag: "x"\n\nbody',
    headers: { 'if-none-match': '"x"', range: 'bytes=0-1' },
  })
  t.same([conditional.statusCode, conditional.body], [200, 'body'], 'conditions and ranges are the program’s matter')
})

t.test('what is no answer is 500, in one log line, and nothing of it is shown', async t => {
  const app = await cgiSite(
    t,
    {
      'any.cgi': sh('exec cat'),
      'big.cgi': sh('exec head -c 104857600 /dev/zero | tr "\\0" x'),
      'lines.cgi': sh('exec yes "X-Header: value"'),
    },
    { lines: 'ErrorDocument = 500 "sorry"' },
  )
  for (const [said, logged] of [
    ['', 'premature end of script headers: '],
    ['A: b\n', 'premature end of script headers: '],
    ['hello\n\n', 'malformed header from script '],
    ['Status: nothing\n\nsecret', 'expected a Status from 200 to 999, got "nothing"'],
    ['Status: 100\n\nsecret', 'expected a Status from 200 to 999, got "100"'],
    ['Bad Header: x\n\nsecret', 'bad header: "Bad Header: x"'],
  ] as const) {
    const before = app.errorLog().length
    const answer = await app.inject({ url: '/any.cgi', payload: said })
    t.same([answer.statusCode, answer.body], [500, 'sorry'], JSON.stringify(said))
    const log = app.errorLog().slice(before)
    t.ok(log.includes(logged) && log.includes('any.cgi'), `${log} has ${logged}`)
    t.equal(log.trim().split('\n').length, 1, 'one line')
  }
  for (const name of ['big.cgi', 'lines.cgi']) {
    const answer = await app.inject(`/${name}`)
    t.same([answer.statusCode, answer.body], [500, 'sorry'], name)
    t.match(app.errorLog(), /more than 65536 bytes/)
  }
})

t.test('Location: a path is answered here as a GET, a URL is a 302', async t => {
  const app = await cgiSite(
    t,
    {
      'to.cgi': sh(
        'printf "Location: %s\\nX-First: 1\\nSet-Cookie: a=1\\nContent-Type: text/x\\n\\nnot shown" "$QUERY_STRING"',
        'cat >/dev/null',
      ),
      'env.cgi': answers('env', 'cat'),
    },
    { tree: { 'page.txt': 'the page', shop: { '.psoaccess': '', 'handler.ts': says('the shop') } } },
  )
  for (const [to, status, body] of [
    ['/page.txt', 200, 'the page'],
    ['/page.txt#part', 200, 'the page'],
    ['/shop/x?y=1', 200, 'the shop'],
    ['//page.txt', 200, 'the page'],
    ['/none', 404, undefined],
    ['/.psoaccess', 404, undefined],
    ['/../x', 400, undefined],
  ] as const) {
    const answer = await app.inject(`/to.cgi?${to}`)
    t.equal(answer.statusCode, status, to)
    if (body !== undefined) t.equal(answer.body, body, to)
    t.same([answer.headers['x-first'], answer.headers['location']], ['1', undefined], 'its other headers stay')
    t.equal(answer.headers['set-cookie'], 'a=1')
  }
  const away = await app.inject('/to.cgi?http://h.test/x')
  t.match([away.statusCode, away.headers['location']], [302, 'http://h.test/x'])
  t.match(away.body, /href="http:\/\/h.test\/x"/, 'a page of ours')
  t.match(away.headers['content-type'], /html/)
  const seen = await app.inject({ method: 'POST', url: '/to.cgi?/env.cgi/info?new=1', payload: 'a body' })
  t.match(seen.body, /^REQUEST_METHOD=GET$/m)
  t.match(seen.body, /^REDIRECT_REQUEST_METHOD=POST$/m)
  t.match(seen.body, /^REDIRECT_STATUS=200$/m)
  t.match(seen.body, /^REDIRECT_URL=\/to.cgi$/m)
  t.match(seen.body, /^QUERY_STRING=new=1$/m)
  t.match(seen.body, /^PATH_INFO=\/info$/m)
  t.match(seen.body, /^REQUEST_URI=\/to.cgi\?\/env.cgi/m)
  t.notMatch(seen.body, /CONTENT_LENGTH|CONTENT_TYPE|a body/)
  const loop = await app.inject(`/to.cgi?${'/to.cgi?'.repeat(20)}/page.txt`)
  t.equal(loop.statusCode, 500, 'ten rounds at most')
})

t.test('a handler that answers in place of a form’s program is asked by GET, and there is no form', async t => {
  const app = await cgiSite(
    t,
    { 'to.cgi': sh('cat >/dev/null', 'printf "Location: /page/?a=1\\n\\n"') },
    {
      tree: {
        page: {
          '.psoaccess': '',
          'handler.ts': does('return [req.method, req.pso().getInputSeq(), String(await req.read())]'),
        },
      },
    },
  )
  const form = multipartPost([{ name: 'b', content: '2' }])
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, payload: '{"b":2}' } as const
  for (const sent of [form, json])
    t.same((await app.inject({ ...sent, url: '/to.cgi' })).json(), ['GET', [['a', '1']], ''])
})

t.test('an error document may be a program: it has the status of the error unless it says another', async t => {
  const app = await cgiSite(
    t,
    {
      'doc.cgi': answers('echo "$REDIRECT_STATUS $REQUEST_METHOD $REDIRECT_URL"'),
      'other.cgi': sh('printf "Status: 410\\n\\nother"'),
    },
    {
      lines: 'ErrorDocument = 404 /doc.cgi\nErrorDocument = 403 /other.cgi',
      tree: { shut: { '.psoaccess': 'Require = all denied' } },
    },
  )
  const missing = await app.inject({ method: 'POST', url: '/none', payload: 'x' })
  t.same([missing.statusCode, missing.body], [404, '404 GET /none\n'])
  const shut = await app.inject('/shut/')
  t.same([shut.statusCode, shut.body], [410, 'other'])
})

t.test('Header lines hold for programs too', async t => {
  const app = await cgiSite(
    t,
    { 'a.cgi': sh('printf "X-Mine: 1\\nServer: secret\\n\\nbody"') },
    {
      lines: 'Header = set X-Mine 2\nHeader = unset Server\nHeader = set X-New n',
    },
  )
  const { headers } = await app.inject('/a.cgi')
  t.match([headers['x-mine'], headers['server'], headers['x-new']], ['2', undefined, 'n'])
})

/** The pieces of a body as they come; the answer's end is `done`. */
async function stream(url: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => httpGet(url, resolve).on('error', reject))
  const pieces = response[Symbol.asyncIterator]()
  return {
    response,
    next: async () => String((await pieces.next()).value),
    rest: async () => {
      let all = ''
      for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) all += String(piece.value)
      return all
    },
  }
}

t.test('what a program writes is sent as it comes', async t => {
  // each line waits for the test to have seen the one before
  const app = await cgiSite(t, {
    'events.cgi': sh(
      'printf "Content-Type: text/event-stream\\n\\n"',
      'for n in 1 2 3; do printf "data: $n\\n\\n"; while [ ! -e go$n ]; do sleep 0.02; done; done',
    ),
  })
  const { next, rest, response } = await stream(`${await app.url()}/events.cgi`)
  t.equal(response.headers['content-type'], 'text/event-stream')
  for (const n of [1, 2, 3]) {
    t.equal(await next(), `data: ${n}\n\n`)
    writeFileSync(`${app.root}/go${n}`, '')
  }
  t.equal(await rest(), '')
})

t.test('a program that ends by a signal, or gives another length than it promised, cuts the connection', async t => {
  const app = await cgiSite(t, {
    'killed.cgi': sh('printf "Content-Type: text/plain\\n\\nhalf"', 'sleep 0.1', 'kill -9 $$'),
    'short.cgi': sh('printf "Content-Length: 100\\n\\nhalf"', 'sleep 0.1'),
    'long.cgi': sh('printf "Content-Length: 4\\n\\nhalf"', 'sleep 0.1', 'printf more'),
  })
  for (const [name, logged] of [
    ['killed.cgi', 'was ended by SIGKILL'],
    ['short.cgi', 'content-length'],
  ] as const) {
    const { rest, next } = await stream(`${await app.url()}/${name}`)
    t.equal(await next(), 'half', name)
    await t.rejects(rest(), { code: 'ECONNRESET' }, name)
    t.ok(app.errorLog().includes(logged), `${name}: ${app.errorLog()}`)
  }
  const long = await text(dial(await app.url(), head('GET /long.cgi')))
  t.match(long, /\r\n\r\n(?:half)?$/, 'nothing that could be taken for the next answer')
  t.match(app.errorLog(), /long.cgi 500: .*content-length/)
})
