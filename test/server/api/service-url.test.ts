import t from 'tap'
import { serviceUrl, type UrlParams } from '../../../server/api/service-url.ts'

const id = [['s', 'ID']] as const

t.test('a path is seen from the service; parameters and fragment are kept, and the id stands once', async t => {
  for (const [path, params, expected] of [
    ['', {}, 'http://h.test/shop/?s=ID'],
    ['cart', {}, 'http://h.test/shop/cart?s=ID'],
    ['a/b?x=1#end', {}, 'http://h.test/shop/a/b?x=1&s=ID#end'],
    ['/other/?s=old&x=1&s=older', {}, 'http://h.test/other/?s=ID&x=1'],
    ['?page=2', { page: 3 }, 'http://h.test/shop/?page=2&page=3&s=ID'],
    ['#end', {}, 'http://h.test/shop/?s=ID#end'],
    ['', { id: 7, tag: ['a', 'b&c'], on: true }, 'http://h.test/shop/?id=7&tag=a&tag=b%26c&on=true&s=ID'],
    ['http://h.test/x', {}, 'http://h.test/x?s=ID'],
    ['../x', {}, 'http://h.test/x?s=ID'],
  ] as [string, UrlParams, string][])
    t.equal(serviceUrl('http://h.test/shop/', path, params, id), expected)
})

t.test('a service that is a file is answered by what follows its name', async t => {
  t.equal(serviceUrl('http://h.test/a.ts', '', {}, []), 'http://h.test/a.ts')
  t.equal(serviceUrl('http://h.test/a.ts', 'cart', {}, []), 'http://h.test/a.ts/cart')
  t.equal(serviceUrl('http://h.test/a.ts', '?x=1', {}, []), 'http://h.test/a.ts?x=1')
})

t.test('a name that needs it is percent-encoded', async t => {
  t.equal(serviceUrl('http://h.test/', '', {}, [["a&b=%'", 'ID']]), 'http://h.test/?a%26b%3D%25%27=ID')
})

t.test('what leads to another server gets no id, and is an error', async t => {
  for (const path of [
    'http://evil.test/',
    '//evil.test/',
    '/\\evil.test',
    'https://h.test/',
    'http://h.test:81/',
    'javascript:x',
  ])
    t.throws(() => serviceUrl('http://h.test/shop/', path, {}, id), { name: 'TypeError' }, path)
})
