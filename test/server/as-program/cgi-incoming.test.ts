import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { cgiIncoming } from '../../../server/as-program/cgi-incoming.ts'
import { apacheVariables } from '../../support/program.ts'

const noInput = (): never => {
  throw new Error('standard input was opened')
}

for (const [name, environment, expected] of [
  ['a shell', {}, { method: 'GET', originalUrl: '/', ip: '127.0.0.1', host: '', hostname: '', protocol: 'http' }],
  [
    'Apache',
    apacheVariables('/a/test.cgi', '/a/test.cgi/x%20y?b=%20'),
    { originalUrl: '/a/test.cgi/x%20y?b=%20', ip: '127.0.0.1', host: 'shop.test:8080', hostname: 'shop.test' },
  ],
  [
    'a server without REQUEST_URI',
    { REQUEST_METHOD: 'POST', SCRIPT_NAME: '/t', PATH_INFO: '/ä b/c', QUERY_STRING: 'd' },
    { method: 'POST', originalUrl: '/t/%C3%A4%20b/c?d', ip: '' },
  ],
  [
    'a client that names no host',
    { REQUEST_METHOD: 'GET', SERVER_NAME: 'shop.test', SERVER_PORT: '8080' },
    { host: 'shop.test:8080', hostname: 'shop.test', protocol: 'http' },
  ],
  [
    'HTTPS at its usual port',
    { REQUEST_METHOD: 'GET', SERVER_NAME: 'shop.test', SERVER_PORT: '443', HTTPS: 'on' },
    { host: 'shop.test', protocol: 'https' },
  ],
  ['HTTPS off', { REQUEST_METHOD: 'GET', HTTPS: 'off' }, { protocol: 'http' }],
  ['an IPv6 host', { REQUEST_METHOD: 'GET', HTTP_HOST: '[::1]:81' }, { host: '[::1]:81', hostname: '[::1]' }],
] as const)
  t.test(`${name}: the request`, async t => {
    t.match(cgiIncoming(environment as Record<string, string>, noInput), expected)
  })

t.test('header fields are as Node has them; what names a proxy of the user is none', async t => {
  const { raw } = cgiIncoming(
    {
      REQUEST_METHOD: 'POST',
      HTTP_X_FORWARDED_FOR: '1.2.3.4',
      HTTP_COOKIE: 'a=1; b=2',
      HTTP_PROXY: 'http://evil/',
      CONTENT_TYPE: 'text/plain',
      CONTENT_LENGTH: '2',
      SERVER_PROTOCOL: 'HTTP/1.0',
      REMOTE_ADDR: '10.0.0.7',
      REMOTE_PORT: '4711',
      SERVER_PORT: '80',
      HOME: '/root',
    },
    noInput,
  )
  t.same(raw.headers, {
    'x-forwarded-for': '1.2.3.4',
    cookie: 'a=1; b=2',
    'content-type': 'text/plain',
    'content-length': '2',
  })
  t.same(raw.rawHeaders.slice(0, 2), ['X-Forwarded-For', '1.2.3.4'])
  const { httpVersion, method, socket } = raw
  t.same(
    [httpVersion, method, socket.remoteAddress, socket.remotePort, socket.localPort],
    ['1.0', 'POST', '10.0.0.7', 4711, 80],
  )
})

/** The body that is read of an input; `waits`: nobody ends it. */
function bodyOf(environment: Record<string, string>, input: string, waits = false): Promise<string> {
  const stdin = new PassThrough()
  if (waits) stdin.write(input)
  else stdin.end(input)
  return text(cgiIncoming({ REQUEST_METHOD: 'POST', ...environment }, () => stdin).raw)
}

t.test('a body has the bytes that CONTENT_LENGTH says, whoever still holds the pipe', async t => {
  t.equal(await bodyOf({ CONTENT_LENGTH: '4' }, 'body and more', true), 'body')
  t.equal(await bodyOf({ CONTENT_LENGTH: '4' }, 'body'), 'body')
})

t.test('a body that came in chunks goes to the end of the input', async t => {
  t.equal(await bodyOf({ HTTP_TRANSFER_ENCODING: 'chunked' }, 'to the end'), 'to the end')
})

t.test('without either there is none, and standard input is not opened', async t => {
  for (const environment of [{}, { CONTENT_LENGTH: '' }, { CONTENT_LENGTH: '0' }, { CONTENT_LENGTH: '-1' }] as Record<
    string,
    string
  >[])
    t.equal(await text(cgiIncoming({ REQUEST_METHOD: 'POST', ...environment }, noInput).raw), '')
})

t.test('a body that ends early is an error', async t => {
  await t.rejects(bodyOf({ CONTENT_LENGTH: '9' }, 'half'), { message: '5 bytes of it are missing' })
})

t.test('a reader that is slow holds the writer', async t => {
  const stdin = new PassThrough()
  const { raw } = cgiIncoming({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: String(1 << 24) }, () => stdin)
  raw.read(0)
  let written = 0
  while (stdin.write(Buffer.alloc(65536)) && written < 1 << 24) {
    written += 65536
    await new Promise(setImmediate)
  }
  t.ok(written < 1 << 20, `${written} bytes went in`)
})
