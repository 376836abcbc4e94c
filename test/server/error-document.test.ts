import t from 'tap'
import { does } from '../support/handlers.ts'
import { site } from '../support/site.ts'

t.test(
  'development shows the message, the line and the code around it to this machine; production shows nothing',
  async t => {
    const tree = {
      '.psoaccess': '',
      'handler.ts': 'export function handler () {\n  const a: any = undefined\n  return a.b\n}\n',
    }
    const developing = await site(t, tree, { development: true })
    const development = await developing.inject('/')
    t.match(development.body, /handler\.ts:3/)
    t.match(development.body, /return a\.b/)
    for (const headers of [{ 'x-forwarded-for': '192.0.2.1' }, { forwarded: 'for=192.0.2.1' }])
      t.notMatch((await developing.inject({ url: '/', headers })).body, /handler|return a/, 'somebody behind a proxy')
    t.notMatch((await developing.inject({ url: '/', remoteAddress: '192.0.2.1' })).body, /handler|return a/)
    const app = await site(t, tree)
    const production = await app.inject('/')
    t.equal(production.statusCode, 500)
    t.notMatch(production.body, /handler|undefined|return a/)
    t.match(app.errorLog(), /handler\.ts:3/)
  },
)

t.test('an error has none of the headers of the page in whose place it comes; cookies and others stay', async t => {
  const set =
    'for (const [name, value] of [["Content-Encoding", "gzip"], ["ETag", "e"], ["Cache-Control", "public"], ["Retry-After", "9"]] as const) req.headersOut.set(name, value); req.pso().setCookie("a", "b");'
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(`${set} if (req.args) return 503; throw new Error("x")`),
  })
  const failed = await app.inject('/')
  const names = ['content-encoding', 'etag', 'cache-control', 'retry-after']
  t.same(
    names.map(name => failed.headers[name]),
    [undefined, undefined, undefined, '9'],
  )
  t.match(failed.headers['set-cookie'], /^a=b/)
  const answered = await app.inject('/?503')
  t.same([answered.statusCode, answered.headers['cache-control'], answered.headers.etag], [503, 'public', undefined])
})
