import t from 'tap'
import { does } from '../../support/handlers.ts'
import { site } from '../../support/site.ts'

const asks = does(
  'const p = req.pso(); return [p.getInput("a"), p.getInput("a", null, 1), p.getInput("z", "default"), p.getInputs("a"), p.hasInput("b"), p.hasInputs("a", "z", "b"), p.getInputSeq().length, Object.keys(p.getInputDict())]',
)
const expected = ['1', '2', 'default', ['1', '2'], true, ['a', 'b'], 3, ['a', 'b']]

t.test('a form is read by GET, by POST, and both together', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': asks })
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }
  t.same((await app.inject('/?a=1&a=2&b=3')).json(), expected)
  t.same((await app.inject({ method: 'POST', url: '/', headers: form, payload: 'a=1&a=2&b=3' })).json(), expected)
  t.same((await app.inject({ method: 'POST', url: '/?a=1', headers: form, payload: 'a=2&b=3' })).json(), expected)
  t.same(
    (await app.inject('/')).json(),
    [null, null, 'default', [], false, [], 0, []].map((value, at) => (at === 0 ? null : value)),
  )
})

t.test('names like __proto__ are data', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'const dict = req.pso().getInputDict(); return [dict["__proto__"], dict.constructor, ({} as any).polluted]',
    ),
  })
  t.same((await app.inject('/?__proto__=1&constructor=2&__proto__[polluted]=3')).json(), [['1'], ['2'], null])
})

t.test('a body over LimitRequestBody is 413, declared or only sent', async t => {
  const app = await site(t, { '.psoaccess': 'LimitRequestBody = 10', 'handler.ts': asks })
  const url = await app.url()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  t.equal((await fetch(url, { method: 'POST', headers, body: 'a=12345678' })).status, 200)
  t.equal((await fetch(url, { method: 'POST', headers, body: 'a=123456789' })).status, 413)
  const stream = new ReadableStream({
    start(controller) {
      for (let piece = 0; piece < 5; piece++) controller.enqueue(new TextEncoder().encode('a=12345&'))
      controller.close()
    },
  })
  t.equal((await fetch(url, { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit)).status, 413)
})

t.test('a form that is packed is 415, and said to be; a handler that takes the body itself has it', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': asks,
    off: { '.psoaccess': 'PSOInput = off', 'handler.ts': does('return (await req.read()).toString("latin1")') },
  })
  const post = (url: string, coding: string, type = 'application/x-www-form-urlencoded') =>
    app.inject({ method: 'POST', url, payload: 'a=1', headers: { 'content-type': type, 'content-encoding': coding } })
  for (const [coding, type] of [
    ['gzip', undefined],
    ['br', 'application/json'],
    ['identity, gzip', 'multipart/form-data; boundary=x'],
  ] as const) {
    const refused = await post('/', coding, type)
    t.same([refused.statusCode, refused.headers['accept-encoding']], [415, 'identity'], coding)
    t.match(app.errorLog(), `POST / 415: the body is packed (Content-Encoding: ${coding})`)
  }
  t.equal((await post('/', 'Identity')).statusCode, 200)
  t.equal((await post('/off/', 'gzip')).body, 'a=1')
})

t.test('what is no proper form is read as a browser would have meant it', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': does('return req.pso().getInputDict()') })
  const cases = [
    ['a=1&&b', { a: ['1'], b: [''] }],
    ['=1&a=b=c', { '': ['1'], a: ['b=c'] }],
    ['a=%zz&b=%', { a: ['%zz'], b: ['%'] }],
    ['a=%ff', { a: ['\ufffd'] }],
    ['a+b=c+d&%61%20b=2', { 'a b': ['c d', '2'] }],
    ['?a=1', { '?a': ['1'] }],
  ] as const
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const [text, expected] of cases) {
    t.same((await app.inject(`/?${text}`)).json(), expected, `query ${text}`)
    t.same((await app.inject({ method: 'POST', url: '/', headers, payload: text })).json(), expected, `body ${text}`)
  }
})

t.test('a refused body has its error document', async t => {
  const app = await site(t, {
    '.psoaccess': 'LimitRequestBody = 3\nErrorDocument = 413 /large/',
    'handler.ts': asks,
    large: { '.psoaccess': '', 'handler.ts': does('return `too large for ${req.subprocessEnv.REDIRECT_URL}`') },
  })
  const answer = await app.inject({ method: 'POST', url: '/', payload: 'a=12' })
  t.same([answer.statusCode, answer.body], [413, 'too large for /'])
})
