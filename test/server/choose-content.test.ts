import t from 'tap'
import { type Directives, type HandlerRef, rows } from '../../directives/index.ts'
import { chooseContent } from '../../server/choose-content.ts'
import type { DirectoryHandler } from '../../server/directory-handler.ts'
import type { IsFile } from '../../server/files/known-files.ts'
import type { Location } from '../../server/locate.ts'

const root = '/srv/root'
const ref = (module: string, ...extensions: string[]): HandlerRef => ({
  module,
  base: root,
  at: { file: `${root}/.psoaccess`, line: 1 },
  ...(extensions.length === 0 ? {} : { extensions }),
})
const page = ref('page.ts', '.html', '.txt')
const rest = ref('rest.ts')

const inherited: DirectoryHandler = { handlers: [rest], directory: root, own: false }
const own: DirectoryHandler = { handlers: [rest], directory: `${root}/shop`, own: true }

const defaults = Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row.default]))
const directives = (set: Partial<Directives> = {}): { directives: Directives } => ({
  directives: { ...defaults, ...set } as Directives,
})
const options = (...on: string[]): Partial<Directives> =>
  ({ Options: { on: new Set(on) } }) as unknown as Partial<Directives>

/** In /shop/, unless said otherwise. */
function location(path: string, more: Partial<Location> = {}): Location {
  return {
    root: { path: root, url: '/', isScriptAlias: false },
    path,
    query: undefined,
    kind: 'missing',
    directory: `${root}/shop`,
    directoryUrl: '/shop/',
    file: undefined,
    stats: undefined,
    name: undefined,
    pathInfo: '',
    hasSlash: false,
    outside: undefined,
    source: false,
    ...more,
  }
}
const file = (name: string, pathInfo = '', source = false): Location =>
  location(`/shop/${name}${pathInfo}`, { kind: 'file', file: `${root}/shop/${name}`, name, pathInfo, source })
const directory = (hasSlash = true, query?: string): Location =>
  location(hasSlash ? '/shop/' : '/shop', { kind: 'directory', hasSlash, query })
const missing = (pathInfo: string): Location =>
  location(`/shop${pathInfo}`, { name: pathInfo.split('/')[1]!, pathInfo })

const none: IsFile = () => false
const choose = (where: Location, set: Partial<Directives> = {}, handler?: DirectoryHandler, isFile = none) =>
  chooseContent(where, directives(set), handler, isFile)

t.test('an existing file is static, whatever handler its directory has', async t => {
  for (const handler of [undefined, own, inherited]) t.same(choose(file('a.txt'), {}, handler), { kind: 'static' })
})

t.test('AddHandler, SetHandler and a list for its extension make a program of a file', async t => {
  const program = { kind: 'handler', handlers: [rest], scriptUrl: '/shop/a.html', pathInfo: '' }
  const byExtension: Partial<Directives> = { AddHandler: new Map([['.html', 'pso-program']]) }
  t.same(choose(file('a.html'), byExtension, own), program)
  t.same(choose(file('A.HTML'), byExtension, own), { ...program, scriptUrl: '/shop/A.HTML' })
  t.same(choose(file('a.html.txt'), byExtension, own), { kind: 'static' }, 'by the last extension')
  t.same(choose(file('a.html'), { SetHandler: 'pso-program' }, inherited), program)
  t.same(choose(file('a.html'), { ...byExtension, SetHandler: 'default-handler' }, own), { kind: 'static' })
  t.same(choose(file('a.html'), { ...byExtension, SetHandler: 'none' }, own), program, 'none leaves it to AddHandler')
  const both: DirectoryHandler = { ...own, handlers: [page, rest] }
  t.same(choose(file('a.html'), {}, both), { ...program, handlers: [page] }, 'in place of the unrestricted ones')
  t.same(choose(file('a.png'), {}, both), { kind: 'static' })
  t.match(choose(missing('/none.txt'), {}, both), { handlers: [page] })
  t.match(choose(missing('/none'), {}, both), { handlers: [rest] })
  t.same(choose(missing('/none'), {}, { ...own, handlers: [page] }), { kind: 'refuse', status: 404 })
})

t.test('cgi-script runs the file itself, where Options has ExecCGI', async t => {
  const set: Partial<Directives> = { ...options('ExecCGI'), AddHandler: new Map([['.cgi', 'cgi-script']]) }
  const cgi = { kind: 'cgi', scriptUrl: '/shop/a.cgi', pathInfo: '/x' }
  for (const handler of [undefined, own, inherited]) t.same(choose(file('a.cgi', '/x'), set, handler), cgi)
  t.same(choose(file('a.ts', '', true), { ...set, SetHandler: 'cgi-script' }), {
    ...cgi,
    scriptUrl: '/shop/a.ts',
    pathInfo: '',
  })
  t.match(choose(file('a.cgi'), { ...set, ...options() }), { kind: 'refuse', status: 403 }, 'never its source')
  t.same(choose(file('a.cgi'), { ...set, SetHandler: 'default-handler' }), { kind: 'static' })
  t.same(choose(file('a.cgi', '/x'), { ...set, AcceptPathInfo: 'off' }), { kind: 'refuse', status: 404 })
  const listed = { ...own, handlers: [ref('page.ts', '.cgi')] }
  t.match(choose(file('a.cgi'), set, listed), { kind: 'cgi' }, 'before a list for the extension')
})

t.test('in a ScriptAlias directory all files are programs, and nothing else answers', async t => {
  const inAlias = { root: { path: '/srv/programs', url: '/cgi-bin/', isScriptAlias: true } }
  const everything = { ...options('Indexes'), FallbackResource: '/front', SetHandler: 'default-handler' } as const
  t.match(choose({ ...file('run', '/x'), ...inAlias }, everything, own), { kind: 'cgi', pathInfo: '/x' })
  t.same(
    choose({ ...directory(), ...inAlias }, everything, own, () => true),
    { kind: 'refuse', status: 403 },
  )
  t.same(choose({ ...directory(false), ...inAlias }, everything, own), { kind: 'refuse', status: 403 })
  t.same(choose({ ...missing('/none'), ...inAlias }, everything, own), { kind: 'refuse', status: 404 })
  const away = { Redirect: [{ status: 302, from: '/shop', to: '/new' }] }
  t.match(choose({ ...file('run'), ...inAlias }, away), { kind: 'redirect' }, 'Redirect goes before')
})

t.test('a path behind a file: AcceptPathInfo', async t => {
  const refused = { kind: 'refuse', status: 404 }
  const program = { kind: 'handler', scriptUrl: '/shop/a.txt', pathInfo: '/x' }
  for (const [AcceptPathInfo, ofStatic, ofProgram] of [
    ['default', refused, program],
    ['on', { kind: 'static' }, program],
    ['off', refused, refused],
  ] as const) {
    t.match(choose(file('a.txt', '/x'), { AcceptPathInfo }, own), ofStatic, AcceptPathInfo)
    t.match(choose(file('a.txt', '/x'), { AcceptPathInfo, SetHandler: 'pso-program' }, own), ofProgram, AcceptPathInfo)
  }
})

t.test('server code is as if it were not there', async t => {
  const source = file('any.ts', '/info', true)
  t.same(choose(source), { kind: 'refuse', status: 404 })
  t.match(choose(source, {}, own), { kind: 'handler', scriptUrl: '/shop/', pathInfo: '/any.ts/info' })
  t.same(choose(file('film.ts', '', true), { SetHandler: 'default-handler' }, own), { kind: 'static' })
  t.match(choose(source, { SetHandler: 'pso-program' }, own), { scriptUrl: '/shop/any.ts', pathInfo: '/info' })
  t.same(choose(source, { SetHandler: 'pso-program' }), { kind: 'refuse', status: 404 }, 'no handler to run it')
})

t.test('a module that a directive names is server code before it is loaded', async t => {
  const refused = { kind: 'refuse', status: 404 }
  for (const module of ['shop/app.js', './shop/app', 'shop/../shop/APP.js']) {
    const named = { PSOAccessHandler: [ref(module)] }
    t.same(choose(file('app.js'), named), refused, module)
    t.same(choose(file('app.js.gz'), named), refused, module)
    t.same(choose(file('app.js'), { ...named, SetHandler: 'default-handler' }), refused, module)
    t.same(choose(file('app.json'), named), { kind: 'static' }, module)
  }
  t.match(choose(file('app.js'), { PSOHandler: [ref('shop/app.js')] }, own), { kind: 'handler', pathInfo: '/app.js' })
})

t.test('a directory without its slash is redirected, its names encoded and its query kept', async t => {
  t.same(choose(directory(false, 'a=1'), {}, own), { kind: 'redirect', status: 301, to: '/shop/?a=1' })
  t.match(choose(location('/q?d/é', { kind: 'directory' })), { to: '/q%3Fd/%C3%A9/' })
  t.match(choose(directory(false), { DirectorySlash: false }, own), { kind: 'handler', scriptUrl: '/shop/' })
})

t.test('a directory: its index, its own handler, a listing, an inherited handler, 403', async t => {
  const program = { kind: 'handler', handlers: [rest], scriptUrl: '/shop/', pathInfo: '' }
  const hasIndex: IsFile = (at, name) => `${at}/${name}` === `${root}/shop/start.html`
  const DirectoryIndex = ['index.html', 'start.html']
  const all = { ...options('Indexes'), DirectoryIndex }
  t.same(choose(directory(), all, own, hasIndex), { kind: 'index', path: '/shop/start.html' })
  t.same(choose(directory(), all, own), program)
  t.same(choose(directory(), all, inherited), { kind: 'listing' })
  t.same(choose(directory(), { DirectoryIndex }, inherited), { ...program, scriptUrl: '/', pathInfo: '/shop/' })
  t.same(choose(directory()), { kind: 'refuse', status: 403 })
  t.same(choose(directory(), { DirectoryIndex: ['/front'] }), { kind: 'index', path: '/front' })
  const odd = location('/q?d/', { kind: 'directory', hasSlash: true, directoryUrl: '/q?d/', query: 'x=1' })
  t.same(
    choose(odd, { DirectoryIndex: ['a#b'] }, own, () => true),
    { kind: 'index', path: '/q%3Fd/a%23b?x=1' },
  )
})

t.test('what is missing goes to the handler, else to FallbackResource, else it is 404', async t => {
  const FallbackResource = '/front/'
  t.match(choose(missing('/x/y'), { FallbackResource }, own), { scriptUrl: '/shop/', pathInfo: '/x/y' })
  t.match(choose(missing('/x/y'), { FallbackResource }, inherited), { scriptUrl: '/', pathInfo: '/shop/x/y' })
  t.same(choose({ ...missing('/x'), query: 'a=1' }, { FallbackResource }), { kind: 'fallback', path: '/front/?a=1' })
  t.same(choose(missing('/x'), { FallbackResource: 'disabled' }), { kind: 'refuse', status: 404 })
  t.same(choose(missing('/x'), { FallbackResource: '/shop/x' }), { kind: 'refuse', status: 404 }, 'not to itself')
})

t.test('Redirect goes before all: whole components, the rest and the query behind it', async t => {
  const redirects = (from: string, to: string | undefined, status = 302): Partial<Directives> => ({
    Redirect: [{ status, from, to }] as never,
  })
  const where = { ...missing('/a b'), query: 'q=1' }
  t.match(choose(where, redirects('/shop', 'http://h.test/new'), own), { to: 'http://h.test/new/a%20b?q=1' })
  t.match(choose(where, redirects('/shop', '/new?own=1')), { to: /^\/new\?own=1/ }, 'its own query stays')
  t.match(choose(where, redirects('/sho', '/new')), { kind: 'refuse', status: 404 })
  t.same(choose(where, redirects('/shop/', undefined, 410)), { kind: 'refuse', status: 410 })
})
