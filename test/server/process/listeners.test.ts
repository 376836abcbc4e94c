import t from 'tap'
import { site } from '../../support/site.ts'
import { exchange } from '../../support/wire.ts'

t.test('every address of Listen answers alike: late requests, headers too large, what is no request', async t => {
  const app = await site(t, { 'a.txt': 'a' }, { ini: 'Listen = 127.0.0.1:0\nTimeout = 1' })
  const addresses = await app.listen()
  t.equal(addresses.length, 2)
  for (const [index, url] of addresses.entries()) {
    const [late, large, none, fine] = await Promise.all([
      exchange(url, 'GET /a.txt HTTP/1.1\r\nHost: a\r\n'),
      exchange(url, `GET /a.txt HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(70_000)}\r\n\r\n`),
      exchange(url, 'nonsense\r\n\r\n'),
      exchange(url, `GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Large: ${'x'.repeat(40_000)}\r\n\r\n`),
    ])
    t.match(late, /^HTTP\/1\.1 408 .*\r\n\r\n408 Request Timeout\n$/s, `${index}: Timeout`)
    t.match(large, /^HTTP\/1\.1 431 .*\r\n\r\n431 /s, `${index}: headers too large`)
    t.match(none, /^HTTP\/1\.1 400 .*\r\n\r\n400 Bad Request\n$/s, `${index}: no request`)
    t.match(fine, /^HTTP\/1\.1 200 .*\r\n\r\na$/s, `${index}: headers of 40,000 bytes`)
    const kept = await fetch(`${url}a.txt`)
    t.equal(kept.headers.get('keep-alive'), 'timeout=72', `${index}: how long a connection is kept`)
  }
})
