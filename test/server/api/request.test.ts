import t from 'tap'
import { does } from '../../support/handlers.ts'
import { site } from '../../support/site.ts'

t.test('meetsConditions judges what the handler says of its page', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'req.headersOut.set(...(req.args ? ["Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"] : ["ETag", `"a"`])); const status = req.meetsConditions(); if (status !== OK) return status; return "page"',
    ),
  })
  const cases = [
    ['GET', '/', {}, 200],
    ['GET', '/', { 'if-none-match': '"b", "a"' }, 304],
    ['GET', '/', { 'if-none-match': '"b"' }, 200],
    ['POST', '/', { 'if-none-match': '"a"' }, 412],
    ['GET', '/', { 'if-match': '"b"' }, 412],
    ['GET', '/?m', { 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 304],
    ['GET', '/?m', { 'if-modified-since': 'Sat, 05 Nov 1994 08:49:37 GMT' }, 200],
    ['GET', '/?m', { 'if-none-match': '' }, 200],
  ] as const
  for (const [method, url, headers, status] of cases)
    t.equal(
      (await app.inject({ method, url, headers })).statusCode,
      status,
      `${method} ${url} ${JSON.stringify(headers)}`,
    )
})
