import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { CgiResponse } from '../../../server/as-program/cgi-response.ts'

const type = ['Content-Type', 'text/html']

/** What is printed of an answer. */
async function printed(status: number, fields: string[], body = '', isRunByServer = true): Promise<string> {
  const out = new PassThrough()
  const response = new CgiResponse(out, isRunByServer)
  response.writeHead(status, fields)
  response.end(body)
  await once(response, 'finish')
  return text(out.end())
}

t.test('a Status line where it is not 200, the content type last, a blank line, the body', async t => {
  t.equal(
    await printed(200, [...type, 'Set-Cookie', 'a=1'], 'hello'),
    'Set-Cookie: a=1\nContent-Type: text/html\n\nhello',
  )
  t.equal(await printed(404, type, 'x'), 'Status: 404 Not Found\nContent-Type: text/html\n\nx')
  t.equal(await printed(302, ['Location', '/x']), 'Status: 302 Found\nLocation: /x\n\n')
  t.equal(await printed(299, []), 'Status: 299 Unknown\n\n')
  t.equal(await printed(200, [], 'x'), 'Status: 200 OK\n\nx', 'a head is never empty')
})

t.test('a person who reads it needs no length', async t => {
  t.equal(await printed(200, [...type, 'Content-Length', '1'], 'x'), 'Content-Length: 1\nContent-Type: text/html\n\nx')
  t.equal(await printed(200, [...type, 'Content-Length', '1'], 'x', false), 'Content-Type: text/html\n\nx')
})

t.test('a flushed head leaves before the body', async t => {
  const out = new PassThrough()
  const response = new CgiResponse(out, true)
  response.writeHead(200, type)
  t.equal(out.read(), null)
  response.flushHeaders()
  t.equal(String(out.read()), 'Content-Type: text/html\n\n')
  response.end('body')
  await once(response, 'close')
  t.equal(String(out.read()), 'body')
})

t.test('who writes waits for who reads', async t => {
  let go: (() => void) | undefined
  const out = new Writable({
    write(_chunk, _encoding, callback) {
      go = callback
    },
  })
  const response = new CgiResponse(out, true)
  response.writeHead(200, type)
  t.equal(response.write('x'.repeat(100_000)), false)
  const drained = once(response, 'drain')
  go!()
  await drained
})

t.test('a reader that has gone away closes it, unfinished and in silence', async t => {
  const out = new PassThrough()
  const response = new CgiResponse(out, true)
  response.writeHead(200, type)
  response.write('x')
  out.destroy(new Error('EPIPE'))
  await once(response, 'close')
  t.equal(response.writableFinished, false)
})

t.test('a length that was promised is kept, or the answer is cut', async t => {
  for (const body of ['too long', 'no']) {
    const response = new CgiResponse(new PassThrough(), true)
    response.strictContentLength = true
    response.writeHead(200, ['Content-Length', '4'])
    response.end(body)
    await new Promise(resolve => response.once('close', resolve))
    t.equal(response.writableFinished, false, body)
  }
})
