import t from 'tap'
import { does } from '../../support/handlers.ts'
import { site } from '../../support/site.ts'

const tells = does(`
  const p = req.pso()
  return { getUrl: p.getUrl().href, serviceUrl: p.serviceUrl(), below: p.serviceUrl('cart', { id: 7, tag: ['a', 'b c'] }), baseUrl: p.baseUrl(), pageUrl: p.pageUrl('ü b.html?x=1#end'), constructUrl: req.constructUrl('/x/y?z=1'), pathInfo: req.pathInfo, same: p.pso() === p && req.pso() === p }`)

const tree = {
  shop: { '.psoaccess': '', 'handler.ts': tells },
  file: { '.psoaccess': 'AddHandler = pso-program .ts\nPSOHandler = own', 'own.ts': tells, 'any.ts': '' },
}

interface Asked {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** What all begin with. */
  readonly server?: string
  readonly getUrl?: string
  readonly serviceUrl?: string
  readonly below?: string
  readonly baseUrl?: string
  readonly pathInfo?: string
}

const page = '%C3%BC%20b.html?x=1#end'
const cases: readonly Asked[] = [
  { url: '/shop/' },
  { url: '/shop/?a=%20b&c', getUrl: '/shop/?a=%20b&c' },
  { url: '/shop/?', getUrl: '/shop/' },
  { url: '/shop/a%20b/%C3%BC?x=1', getUrl: '/shop/a%20b/%C3%BC?x=1', baseUrl: '/shop/a%20b/', pathInfo: '/a b/ü' },
  {
    url: '/shop/a%3Fb%23c%25d/',
    getUrl: '/shop/a%3Fb%23c%25d/',
    baseUrl: '/shop/a%3Fb%23c%25d/',
    pathInfo: '/a?b#c%d/',
  },
  { url: '/shop//x/./y/../z', getUrl: '/shop/x/z', baseUrl: '/shop/x/', pathInfo: '/x/z' },
  {
    url: '/file/any.ts/more?q',
    getUrl: '/file/any.ts/more?q',
    serviceUrl: '/file/any.ts',
    below: '/file/any.ts/cart',
    baseUrl: '/file/any.ts/',
    pathInfo: '/more',
  },
  { url: '/shop/', headers: { host: 'H.test:8080' }, server: 'http://h.test:8080' },
  { url: '/shop/', headers: { host: 'h.test:80' }, server: 'http://h.test' },
  { url: '/shop/', headers: { host: '[::1]:8080' }, server: 'http://[::1]:8080' },
  { url: '/shop/', headers: { host: '[2001:DB8::1]' }, server: 'http://[2001:db8::1]' },
  { url: '/shop/', headers: { host: '192.0.2.1:81' }, server: 'http://192.0.2.1:81' },
  { url: '/shop/', headers: { host: '' }, server: 'http://localhost' },
  { url: '/shop/', headers: { host: 'no host[' }, server: 'http://localhost' },
  { url: '/shop/', headers: { host: 'user:pass@h.test' }, server: 'http://localhost' },
  { url: '/shop/', headers: { host: 'h.test/evil?x#' }, server: 'http://localhost' },
  {
    url: '/shop/',
    headers: { 'x-forwarded-host': 'outside.test', 'x-forwarded-proto': 'https' },
    server: 'https://outside.test',
  },
  {
    url: '/shop/',
    headers: { 'x-forwarded-host': 'outside.test:8443', 'x-forwarded-proto': 'https' },
    server: 'https://outside.test:8443',
  },
  {
    url: '/shop/',
    headers: { 'x-forwarded-host': '[::1]:8443', 'x-forwarded-proto': 'https' },
    server: 'https://[::1]:8443',
  },
  {
    url: '/shop/',
    headers: { 'x-forwarded-host': 'user@outside.test', 'x-forwarded-proto': 'https' },
    server: 'https://localhost',
  },
  { url: '/shop/', headers: { host: 'inside.test', 'x-forwarded-proto': 'https' }, server: 'https://inside.test' },
]

t.test('URLs of the request, the service, its directory and a page, as the client sees them', async t => {
  const trusting = await site(t, tree, { ini: 'TrustProxy = 127.0.0.1' })
  for (const asked of cases) {
    const { url, headers = {}, server = 'http://localhost' } = asked
    const directory = url.slice(0, url.indexOf('/', 1) + 1)
    const {
      getUrl = url,
      serviceUrl = directory,
      below = `${directory}cart`,
      baseUrl = directory,
      pathInfo = '',
    } = asked
    const answer = await trusting.inject({ url, headers: { host: 'localhost', ...headers } })
    t.same(
      answer.json(),
      {
        getUrl: server + getUrl,
        serviceUrl: server + serviceUrl,
        below: `${server}${below}?id=7&tag=a&tag=b+c`,
        baseUrl: server + baseUrl,
        pageUrl: server + baseUrl + page,
        constructUrl: `${server}/x/y?z=1`,
        pathInfo,
        same: true,
      },
      `${url} ${JSON.stringify(headers)}`,
    )
  }
})

t.test('what a client says of a proxy counts only where TrustProxy names it', async t => {
  const app = await site(t, tree)
  const answer = await app.inject({
    url: '/shop/',
    headers: { host: 'h.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' },
  })
  t.match(answer.json(), {
    getUrl: 'http://h.test/shop/',
    serviceUrl: 'http://h.test/shop/',
    constructUrl: 'http://h.test/x/y?z=1',
  })
})

t.test('ids in URLs go where serviceUrl leads, seen from outside of the proxy too', async t => {
  const app = await site(
    t,
    {
      '.psoaccess': 'PSOServiceId = s\nPSOSessionTransport = url',
      'handler.ts': does(
        'req.pso().session.n = 1; const p = req.pso(); return [p.serviceUrl("x", { a: 1 }), p.baseUrl(), p.pageUrl("x"), p.getUrl().href]',
      ),
    },
    { ini: 'TrustProxy = 127.0.0.1' },
  )
  const [service, ...others] = (
    await app.inject({ url: '/', headers: { 'x-forwarded-host': 'outside.test', 'x-forwarded-proto': 'https' } })
  ).json()
  t.match(service, /^https:\/\/outside\.test\/x\?a=1&s=[\w-]{27}$/)
  t.same(others, ['https://outside.test/', 'https://outside.test/x', 'https://outside.test/'])
})

t.test('constructUrl stays on this server, whatever path it is given', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does('return req.constructUrl(decodeURIComponent(req.args))'),
  })
  for (const [path, url] of [
    ['/a', 'http://h.test/a'],
    ['/a b?c=ü', 'http://h.test/a%20b?c=%C3%BC'],
    ['a', 'http://h.test/a'],
    ['//evil.test/x', 'http://h.test//evil.test/x'],
    ['/\\evil.test', 'http://h.test//evil.test'],
    ['\\\\evil.test', 'http://h.test//evil.test'],
    ['/../../x', 'http://h.test/x'],
  ] as const)
    t.equal((await app.inject({ url: `/?${encodeURIComponent(path)}`, headers: { host: 'h.test' } })).body, url, path)
})
