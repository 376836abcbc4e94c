import t from 'tap'
import { mediaTypeOf, type TypeSettings } from '../../../server/files/media-type.ts'

const settings = (more: Partial<TypeSettings> = {}): TypeSettings => ({
  AddType: new Map(),
  AddDefaultCharset: undefined,
  ...more,
})

t.test('the type of a file is that of its last extension, text is UTF-8', async t => {
  for (const [file, type] of [
    ['/x/a.html', 'text/html; charset=utf-8'],
    ['/x/A.HTML', 'text/html; charset=utf-8'],
    ['a.txt', 'text/plain; charset=utf-8'],
    ['a.css', 'text/css; charset=utf-8'],
    ['a.js', 'text/javascript; charset=utf-8'],
    ['a.json', 'application/json; charset=utf-8'],
    ['a.svg', 'image/svg+xml'],
    ['a.png', 'image/png'],
    ['a.html.jpg', 'image/jpeg'],
    ['a.tar.gz', 'application/gzip'],
    ['a.wasm', 'application/wasm'],
    ['README', undefined],
    ['/x.html/README', undefined],
    ['a.unheard-of', undefined],
    ['a.', undefined],
    ['constructor', undefined],
    ['a.__proto__', undefined],
    ['a.constructor', undefined],
  ] as const)
    t.equal(mediaTypeOf(file, settings()), type, file)
})

t.test('AddType goes before what is registered, and may bring a charset', async t => {
  const AddType = new Map([
    ['.html', 'application/x-own'],
    ['.one', 'text/plain; charset=koi8-r'],
  ])
  t.equal(mediaTypeOf('a.HTML', settings({ AddType })), 'application/x-own')
  t.equal(mediaTypeOf('a.one', settings({ AddType })), 'text/plain; charset=koi8-r')
})

t.test('AddDefaultCharset is for HTML and plain text, as in Apache', async t => {
  for (const [AddDefaultCharset, html, css] of [
    ['iso-8859-1', 'text/html; charset=iso-8859-1', 'text/css; charset=utf-8'],
    [false, 'text/html', 'text/css; charset=utf-8'],
  ] as const) {
    t.equal(mediaTypeOf('a.html', settings({ AddDefaultCharset })), html)
    t.equal(mediaTypeOf('a.css', settings({ AddDefaultCharset })), css)
  }
})
