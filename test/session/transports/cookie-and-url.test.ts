import t from 'tap'
import { cookieAndUrlTransport as both } from '../../../session/transports/cookie-and-url.ts'
import { urlTransport } from '../../../session/transports/url.ts'

const brings = (cookieHeader?: string, query?: string) => ({ cookieHeader, query, secure: false })

t.test('the parameter is matched whole, decoded, and all of one name are candidates in their order', async t => {
  for (const [query, ids] of [
    ['s=a', ['a']],
    ['x=1&s=a&s=b', ['a', 'b']],
    ['%73=%61', ['a']],
    ['xs=a&sx=b&S=c', []],
    ['s', ['']],
    ['s=%00', ['\0']],
    ['s=%ff', ['\ufffd']],
    ['', []],
    [undefined, []],
  ] as const)
    t.same(urlTransport.idsOf(brings('s=cookie', query), 's'), ids, String(query))
})

t.test('the cookie is looked at before the URL', async t => {
  t.same(both.idsOf(brings('s=a; s=b', 's=c'), 's'), ['a', 'b', 'c'])
  t.same(both.idsOf(brings(undefined, 's=c'), 's'), ['c'])
  t.same(both.idsOf(brings('s=a', undefined), 's'), ['a'])
})

t.test('URLs need the id for as long as no cookie brings it', async t => {
  t.equal(both.isDueInUrls('a', brings('s=a', 's=a'), 's'), false)
  t.equal(both.isDueInUrls('a', brings('s=other', 's=a'), 's'), true)
  t.equal(both.isDueInUrls('a', brings(), 's'), true)
  t.equal(urlTransport.isDueInUrls('a', brings('s=a'), 's'), true)
})

t.test('an id that came by URL alone gets no cookie, a new one does', async t => {
  const give = (id: string, cookieHeader?: string, query?: string) =>
    both.give(id, {
      serviceId: 's',
      attributes: {},
      presented: brings(cookieHeader, query),
      expiresAt: undefined,
      now: 0,
    })
  t.equal(give('a', undefined, 's=a'), undefined)
  t.match(give('b', undefined, 's=a'), /^s=b;/)
  t.match(give('a', 's=a', 's=a'), /^s=a;/)
  t.match(give('a'), /^s=a;/)
})
