import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { answers, cgiSite } from '../../support/cgi-site.ts'
import { dial, head } from '../../support/wire.ts'

const MIB = 1024 * 1024

/** A request whose body is still to be written. */
function post(url: string, headers: Record<string, string | number> = {}): ClientRequest {
  const sent = request(url, { method: 'POST', headers })
  sent.flushHeaders()
  return sent
}

const answerTo = async (sent: ClientRequest): Promise<IncomingMessage> =>
  (await once(sent, 'response'))[0] as IncomingMessage

t.test('bodies of any size go through a program both ways at once, with a length and without', async t => {
  const app = await cgiSite(
    t,
    { 'cat.cgi': answers('exec cat'), 'length.cgi': answers('echo "${CONTENT_LENGTH-none}"') },
    {
      lines: 'LimitRequestBody = 0',
    },
  )
  const size = 32 * MIB
  for (const headers of [{ 'Content-Length': size }, {}] as const) {
    const sent = post(`${await app.url()}/cat.cgi`, headers)
    const [written, read] = [createHash('sha1'), createHash('sha1')]
    const writing = (async () => {
      for (let at = 0; at < size; at += MIB) {
        const chunk = Buffer.alloc(MIB, at / MIB + 1)
        written.update(chunk)
        if (!sent.write(chunk)) await once(sent, 'drain')
      }
      sent.end()
    })()
    for await (const chunk of await answerTo(sent)) read.update(chunk)
    await writing
    t.equal(read.digest('hex'), written.digest('hex'), JSON.stringify(headers))
  }
  const chunked = post(`${await app.url()}/length.cgi`)
  chunked.end('a body of unknown length')
  t.equal(await text(await answerTo(chunked)), 'none\n', 'no CONTENT_LENGTH')
  const empty = post(`${await app.url()}/cat.cgi`, { 'Content-Length': 0 })
  empty.end()
  t.equal(await text(await answerTo(empty)), '')
})

t.test('a program has what has come so far, before the rest is there', async t => {
  const app = await cgiSite(t, { 'cat.cgi': answers('exec cat') })
  const sent = post(`${await app.url()}/cat.cgi`)
  sent.write('first')
  const pieces = (await answerTo(sent))[Symbol.asyncIterator]()
  t.equal(String((await pieces.next()).value), 'first')
  sent.end('second')
  t.equal(String((await pieces.next()).value), 'second')
  t.ok((await pieces.next()).done)
})

t.test('a program that does not read its body does no harm', async t => {
  const app = await cgiSite(
    t,
    { 'deaf.cgi': answers('echo heard nothing'), 'head.cgi': answers('head -c 3') },
    {
      lines: 'LimitRequestBody = 0',
    },
  )
  for (const [name, body] of [
    ['deaf.cgi', 'heard nothing\n'],
    ['head.cgi', 'xxx'],
  ] as const)
    for (const size of [3, 4 * MIB]) {
      const answer = await fetch(`${await app.url()}/${name}`, { method: 'POST', body: Buffer.alloc(size, 'x') })
      t.same([answer.status, await answer.text()], [200, body], `${name} ${size}`)
    }
  t.equal(await (await fetch(`${await app.url()}/deaf.cgi`)).text(), 'heard nothing\n', 'the connection goes on')
})

t.test('LimitRequestBody holds: 413, whether the length is declared or not', async t => {
  const app = await cgiSite(
    t,
    { 'cat.cgi': answers('exec cat >/dev/null'), 'echo.cgi': answers('exec cat') },
    {
      lines: 'LimitRequestBody = 1000',
    },
  )
  t.equal((await app.inject({ method: 'POST', url: '/cat.cgi', payload: 'x'.repeat(1000) })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/cat.cgi', payload: 'x'.repeat(1001) })).statusCode, 413)
  // a shell that waits for its cat has not begun to answer
  const silent = await cgiSite(
    t,
    { 'sum.cgi': '#!/bin/sh\ncat >/dev/null\necho; echo read\n' },
    { lines: 'LimitRequestBody = 1000' },
  )
  const sent = post(`${await silent.url()}/sum.cgi`)
  sent.end('x'.repeat(1001))
  t.equal((await answerTo(sent)).statusCode, 413)
  t.match(silent.errorLog(), /413: the body has more than 1000 bytes \(LimitRequestBody\)/)
  // one that has begun is cut
  const begun = post(`${await app.url()}/echo.cgi`)
  begun.on('error', () => {})
  begun.write('first')
  const answer = await answerTo(begun)
  t.equal(answer.statusCode, 200)
  const all = text(answer)
  begun.end('x'.repeat(1001))
  await t.rejects(all, { code: 'ECONNRESET' })
})

t.test('a form that a handler has read is not there for a program that answers in its place', async t => {
  const app = await cgiSite(
    t,
    { 'env.cgi': answers('echo "$REQUEST_METHOD ${CONTENT_LENGTH-none}"', 'exec cat') },
    {
      tree: {
        form: {
          '.psoaccess': '',
          'handler.ts': 'export const handler = (req: any) => { req.internalRedirect("/env.cgi") }\n',
        },
      },
    },
  )
  const answer = await app.inject({
    method: 'POST',
    url: '/form/',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'a=1',
  })
  t.match([answer.statusCode, answer.body], [200, /^(POST|GET) none\n$/])
})

t.test('a body that breaks off cuts the answer that has begun, and is no body for the program', async t => {
  const app = await cgiSite(t, { 'cat.cgi': answers('cat; echo "$?" > ended') })
  for (const [framing, more] of [
    ['Content-Length: 10', 'cd'],
    ['Transfer-Encoding: chunked', '\r\nXX\r\n'],
  ] as const) {
    const begin = framing.startsWith('Transfer') ? '2\r\nab' : 'ab'
    const socket = dial(await app.url(), head('POST /cat.cgi', framing) + begin)
    let all = ''
    for await (const piece of socket) {
      all += String(piece)
      if (all.includes('ab')) socket.end(more)
    }
    t.match(all, /^HTTP\/1.1 200 /)
    t.equal(all.match(/HTTP\/1.1/g)!.length, 1, `${framing}: no second answer in its body`)
    t.notOk(all.endsWith('0\r\n\r\n'), 'it does not look complete')
  }
})
