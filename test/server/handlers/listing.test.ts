import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isServable } from '../../../server/files/hidden-names.ts'
import { type ListedEntry, listDirectory, listingPage } from '../../../server/handlers/listing.ts'
import { createLocator } from '../../../server/locate.ts'

const accessFileNames = ['.psoaccess']

function place(t: Test, tree: NonNullable<Parameters<Test['testdir']>[0]>) {
  const top = realpathSync(t.testdir({ root: tree, outside: { 'o.txt': 'o' } }))
  const root = join(top, 'root')
  const locator = createLocator({ root, accessFileNames, now: Date.now, recheckMs: 0 })
  const rules = { accessFileNames, isModule: () => false, allowTypeScript: false, allowOutside: false }
  const belowRoot = (path: string): boolean => isServable(path, root, rules)
  const list = (url: string, lets = belowRoot): Promise<string> =>
    listDirectory(locator.locate(url), accessFileNames, lets)
  return { top, root, locator, list }
}

/** The targets of the links to entries, in their order. */
const links = (html: string): string[] => Array.from(html.matchAll(/<td><a href="([^"]*)"/g), ([, href]) => href!)

t.test('directories first, then files, by name, with a link to the parent', async t => {
  const { list } = place(t, { 'b.txt': 'b', 'a.txt': 'aa', z: {}, y: { 'c.txt': 'c' } })
  t.same(links(await list('/')), ['./y/', './z/', './a.txt', './b.txt'])
  t.same(links(await list('/y/')), ['../', './c.txt'])
})

t.test('what would never be sent is not listed', async t => {
  const { root, list } = place(t, {
    'a.txt': 'a',
    '.env': 's',
    '.psoaccess': '',
    'handler.js': 's',
    'page.ts': 's',
    'page.ts.gz': 's',
    'a.txt~': 's',
    'a.bak': 's',
    'module.js': 's',
    '.well-known': {},
    '.git': {},
  })
  execFileSync('mkfifo', [join(root, 'fifo')])
  t.same(links(await list('/', path => path !== join(root, 'module.js'))), ['./.well-known/', './a.txt'])
})

t.test('a link is listed if what it leads to would be sent', async t => {
  const { top, root, list } = place(t, { 'a.txt': 'a', d: {}, 'handler.ts': 's', links: {} })
  for (const [name, target] of [
    ['file', join(root, 'a.txt')],
    ['directory', join(root, 'd')],
    ['innocent', join(root, 'handler.ts')],
    ['outside', join(top, 'outside', 'o.txt')],
    ['broken', 'nowhere'],
    ['loop', 'loop'],
  ] as const)
    symlinkSync(target, join(root, 'links', name))
  t.same(links(await list('/links/')), ['../', './directory/', './file'])
  t.ok(links(await list('/links/', () => true)).includes('./outside'), 'Options may say otherwise')
})

t.test('each link leads back to its entry, whatever the name', async t => {
  const { root, locator, list } = place(t, {})
  const names = [
    '<script>alert(1)<',
    `"quoted" 'twice' & more`,
    'javascript:alert(1)',
    ' leading',
    '%2e%2e',
    'a?b#c',
    '\u202etxt.exe',
    'é',
    '日本',
    'x'.repeat(255),
    '&lt;',
    'http:',
  ]
  for (const name of names) writeFileSync(join(root, name), '')
  const html = await list('/')
  t.notMatch(html, /<script|javascript:alert\(1\)"/)
  const hrefs = links(html)
  t.equal(hrefs.length, names.length)
  const found = hrefs.map(href => {
    t.match(href, /^\.\//)
    return locator.locate(href.slice(1).replaceAll('&#39;', "'")).name
  })
  t.same(new Set(found), new Set(names))
})

t.test('names that no URL can spell are left out', async t => {
  const { root, list } = place(t, { 'a.txt': '' })
  for (const name of ['line\nend', 'back\\slash', 'bell\x07']) writeFileSync(join(root, name), '')
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), '')
  t.same(links(await list('/')), ['./a.txt'])
})

t.test("Apache's ?C= and ?O= sort; the heads turn the order round", async t => {
  const { root, list } = place(t, { 'a.txt': '333', 'b.txt': '1', 'c.txt': '22', d: {} })
  for (const [at, name] of ['b.txt', 'c.txt', 'a.txt'].entries()) utimesSync(join(root, name), at, at * 1000)
  for (const [query, order] of [
    ['C=N;O=D', 'c b a'],
    ['C=S;O=A', 'b c a'],
    ['C=S;O=D', 'a c b'],
    ['C=M;O=A', 'b c a'],
    ['C=X;O=A', 'a b c'],
    ['"><script>', 'a b c'],
  ] as const) {
    const html = await list(`/?${query}`)
    t.equal(links(html).join(' '), `./d/ ${order.replaceAll(/\w/g, './$&.txt')}`, query)
    t.notMatch(html, /<script>/)
  }
  t.match(await list('/'), /href="\?C=N;O=D"/)
  t.match(await list('/?C=N;O=D'), /href="\?C=N;O=A"/)
})

t.test('a huge directory is cut, and says so', async t => {
  const { root, list } = place(t, { many: {} })
  for (let at = 0; at < 10_001; at++) mkdirSync(join(root, 'many', `d${at}`))
  const html = await list('/many/')
  t.equal(links(html).length, 10_001, '10,000 and the parent')
  t.match(html, /more than the 10000 entries/)
})

t.test('sizes and times are for people', async t => {
  const entry = (name: string, size: number): ListedEntry => ({
    name,
    isDirectory: false,
    size,
    modified: new Date(784111777000),
  })
  const html = listingPage('/x/', [entry('a', 0), entry('b', 1023), entry('c', 1536), entry('d', 5 * 1024 ** 3)], false)
  for (const text of ['0 B', '1023 B', '1.5 KiB', '5.0 GiB', '1994-11-06 08:49', 'Index of /x/'])
    t.ok(html.includes(text), text)
  t.notMatch(html, /more than/)
})

t.test('a directory that has gone is 404', async t => {
  const { locator } = place(t, {})
  const gone = { ...locator.locate('/'), directory: '/nowhere/at/all' }
  await t.rejects(
    listDirectory(gone, accessFileNames, () => true),
    { name: 'Refusal', status: 404 } as unknown as Error,
  )
})
