import t from 'tap'
import { does } from '../../support/handlers.ts'
import { site } from '../../support/site.ts'

t.test('the environment has the variables of CGI', async t => {
  const app = await site(t, {
    shop: {
      '.psoaccess': 'SetEnv = COLOUR blue\nPSOOption = size large',
      'handler.ts': does(
        'const p = req.pso(); p.setEnviron("MINE", "1"); return [...["REQUEST_METHOD","PATH_INFO","SCRIPT_NAME","QUERY_STRING","REQUEST_URI","HTTP_HOST","HTTP_X_A","COLOUR","MINE","SERVER_PROTOCOL","size"].map(key => p.getEnviron(key)), p.getEnviron("NONE", "fallback"), req.options.size, req.pathInfo]',
      ),
    },
  })
  const answer = await app.inject({
    url: '/shop/cart/2?a=%20b',
    headers: { host: 'h.test:81', 'x-a': 'y', proxy: 'evil' },
  })
  t.same(answer.json(), [
    'GET',
    '/cart/2',
    '/shop',
    'a=%20b',
    '/shop/cart/2?a=%20b',
    'h.test:81',
    'y',
    'blue',
    '1',
    'HTTP/1.1',
    'large',
    'fallback',
    'large',
    '/cart/2',
  ])
})
