import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLocator, type Location } from '../../server/locate.ts'
import { Refusal } from '../../server/refusal.ts'
import { hostileUrls } from '../support/hostile-urls.ts'

const accessFileNames = ['.psoaccess', 'access.conf']

function place(t: Test, recheckMs = 0) {
  const top = realpathSync(t.testdir({ root: tree, outside: { 'o.txt': 'o', d: { 'p.txt': 'p' } } }))
  const root = join(top, 'root')
  const clock = { time: 1_000_000 }
  const locator = createLocator({ root, accessFileNames, now: () => clock.time, recheckMs })
  return { top, root, clock, locator, locate: (url: string) => locator.locate(url) }
}

function statusOf(locate: () => Location): number | Location {
  try {
    return locate()
  } catch (error) {
    if (error instanceof Refusal) return error.status
    throw error
  }
}

const tree = {
  'a.txt': 'a',
  'film.ts': 'film',
  '.env': 'secret',
  'access.conf': 'secret',
  shop: { 'handler.ts': 'h', 'b c.txt': 'b', 'é.txt': 'e', cart: { 'c.txt': 'c' } },
  'old.bak': { 'x.txt': 'x' },
  '.git': { config: 'c' },
  '.well-known': { 'security.txt': 's', '.hidden': 'h' },
}

t.test('a URL becomes a file, a directory, or a missing piece with what follows it', async t => {
  const { root, locate } = place(t)
  type Expected = [string, Location['kind'], string, string | undefined, string]
  const cases: Expected[] = [
    ['/', 'directory', '/', undefined, ''],
    ['/a.txt', 'file', '/', 'a.txt', ''],
    ['/a.txt/', 'file', '/', 'a.txt', '/'],
    ['/a.txt/more/x', 'file', '/', 'a.txt', '/more/x'],
    ['/shop', 'directory', '/shop/', undefined, ''],
    ['/shop/', 'directory', '/shop/', undefined, ''],
    ['/shop/b%20c.txt', 'file', '/shop/', 'b c.txt', ''],
    ['/shop/%C3%A9.txt', 'file', '/shop/', 'é.txt', ''],
    ['/shop/\xc3\xa9.txt', 'file', '/shop/', 'é.txt', ''],
    ['/%73hop/cart/c.txt', 'file', '/shop/cart/', 'c.txt', ''],
    ['/shop/cart/none', 'missing', '/shop/cart/', 'none', '/none'],
    ['/shop/none/and/more/', 'missing', '/shop/', 'none', '/none/and/more/'],
    ['/none', 'missing', '/', 'none', '/none'],
    ['//shop///cart/./../b%20c.txt', 'file', '/shop/', 'b c.txt', ''],
    ['/shop/%2e%2e/a.txt', 'file', '/', 'a.txt', ''],
    ['/shop/..', 'directory', '/', undefined, ''],
    ['/shop/.', 'directory', '/shop/', undefined, ''],
    ['/none/../a.txt', 'file', '/', 'a.txt', ''],
    ['http://h.test/shop/cart/c.txt', 'file', '/shop/cart/', 'c.txt', ''],
    ['HTTPS://h.test:80', 'directory', '/', undefined, ''],
    ['/shop/%2561', 'missing', '/shop/', '%61', '/%61'],
    ['/shop/x;y=1', 'missing', '/shop/', 'x;y=1', '/x;y=1'],
  ]
  for (const [url, kind, directoryUrl, name, pathInfo] of cases) {
    const found = locate(url)
    t.match(found, { kind, directoryUrl, name, pathInfo }, url)
    t.equal(found.directory, root + directoryUrl.slice(0, -1), url)
    t.equal(found.file, kind === 'file' ? join(root, directoryUrl, name!) : undefined, url)
  }
  t.equal(locate('/shop').hasSlash, false)
  t.equal(locate('/shop/').hasSlash, true)
  t.equal(locate('/a.txt').stats?.size, 1)
})

t.test('the query is left as it is, and decides nothing', async t => {
  const { locate } = place(t)
  t.equal(locate('/a.txt').query, undefined)
  t.equal(locate('/a.txt?').query, '')
  t.match(locate('/a.txt?x=%zz/../?y'), { kind: 'file', path: '/a.txt', query: 'x=%zz/../?y' })
  t.match(locate('http://h.test?x=1'), { path: '/', query: 'x=1' })
})

t.test('what is no path is 400, what could mean two things is 404', async t => {
  const { locate } = place(t)
  for (const [status, urls] of [
    [400, ['/%zz', '/%', '/%2', '/%ff', '/%c0%af', '/%ed%a0%80', '/\xff', '/..', '/../', '/shop/../../a.txt']],
    [400, ['/%2e%2e/x', '/.%2e/x', '', 'a.txt', 'h.test:443', 'ftp://h/x', '\\a.txt']],
    [404, ['/%00', '/a.txt%00', '/a.txt%0a', '/%7f', '/a%09', '/%2f', '/shop%2Fb', '/shop\\x', '/shop%5cx', '/%5C']],
  ] as const)
    for (const url of urls)
      t.equal(
        statusOf(() => locate(url)),
        status,
        JSON.stringify(url),
      )
})

t.test('hidden names are as if they were not there, whatever is behind them', async t => {
  const { locate } = place(t)
  for (const url of [
    '/.env',
    '/.ENV',
    '/access.conf',
    '/Access.Conf.gz',
    '/shop/handler.ts',
    '/shop/HANDLER.TS',
    '/.git/config',
    '/.git/',
    '/.git',
    '/old.bak/x.txt',
    '/.well-known/.hidden',
  ])
    t.match(locate(url), { kind: 'missing', file: undefined, stats: undefined }, url)
  t.match(locate('/.git/config'), { directoryUrl: '/', name: '.git', pathInfo: '/.git/config' })
  t.match(locate('/.well-known/security.txt'), { kind: 'file', source: false })
  t.match(locate('/film.ts'), { kind: 'file', source: true })
})

t.test('no hostile URL finds a hidden file, and each is answered or refused', async t => {
  const { root, locate } = place(t)
  const urls = ['/shop/handler.ts', '/.env', '/access.conf', '/.git/config'].flatMap(hostileUrls)
  t.ok(urls.length > 1000, `${urls.length} URLs`)
  const hidden = /(?:^|\/)(?:handler\.ts|\.env|access\.conf|\.git)/i
  for (const url of urls) {
    const found = statusOf(() => locate(url))
    if (typeof found === 'number') {
      if (found !== 400 && found !== 403 && found !== 404) t.fail(`${found}: ${url}`)
      continue
    }
    const seen = found.file ?? found.directory
    if (!`${seen}/`.startsWith(`${root}/`) || hidden.test(seen.slice(root.length))) t.fail(`${seen}: ${url}`)
  }
})

t.test('links are followed inside the root, and said to leave it where they do', async t => {
  const { top, root, locate } = place(t)
  symlinkSync('a.txt', join(root, 'in.txt'))
  symlinkSync('shop', join(root, 'linked'))
  symlinkSync(join(top, 'outside', 'o.txt'), join(root, 'out.txt'))
  symlinkSync(join(top, 'outside', 'd'), join(root, 'out'))
  symlinkSync(root, join(top, 'outside', 'd', 'back'))
  symlinkSync('shop/handler.ts', join(root, 'innocent.txt'))
  symlinkSync('.git', join(root, 'innocent'))
  symlinkSync('film.ts', join(root, 'film.txt'))
  t.match(locate('/in.txt'), { kind: 'file', outside: undefined, stats: { size: 1 } })
  t.match(locate('/linked/cart/c.txt'), { kind: 'file', outside: undefined, file: join(root, 'linked/cart/c.txt') })
  t.match(locate('/out.txt'), { kind: 'file', outside: { sameOwner: true } })
  t.match(locate('/out/p.txt'), { kind: 'file', outside: { sameOwner: true } })
  t.match(locate('/out/none'), { kind: 'missing', outside: { sameOwner: true } })
  t.match(locate('/out/'), { kind: 'directory', outside: { sameOwner: true } })
  t.match(locate('/out/back/a.txt'), { outside: { sameOwner: true } }, 'it came through a link that left')
  t.match(
    locate('/innocent.txt'),
    { kind: 'file', source: true },
    'a link to a handler is its source, which may be a program',
  )
  t.match(locate('/innocent/config'), { kind: 'missing' }, 'what a link leads to is hidden')
})

t.test('the owner of each link that leaves the root counts', { skip: process.getuid?.() !== 0 }, async t => {
  const { top, root, locate } = place(t)
  symlinkSync(join(top, 'outside', 'd'), join(root, 'out'))
  symlinkSync(join(top, 'outside', 'o.txt'), join(top, 'outside', 'd', 'deeper.txt'))
  execFileSync('chown', ['-h', '1234', join(root, 'out')])
  t.match(locate('/out/'), { outside: { sameOwner: false } })
  t.match(locate('/out/deeper.txt'), { outside: { sameOwner: false } }, 'a later link does not make up for it')
})

t.test('403, as Apache: broken links, loops, names too long, and what is no file', async t => {
  const { root, locate } = place(t)
  symlinkSync('nowhere', join(root, 'broken'))
  symlinkSync('loop', join(root, 'loop'))
  symlinkSync('.', join(root, 'self'))
  execFileSync('mkfifo', [join(root, 'fifo')])
  const long = `/${'a'.repeat(256)}`
  for (const url of ['/broken', '/broken/x', '/loop', '/loop/', '/fifo', long, '/self'.repeat(60)])
    t.equal(
      statusOf(() => locate(url)),
      403,
      url.slice(0, 20),
    )
  t.equal(locate(`/none${long}`).kind, 'missing', 'behind what is missing it is data')
})

t.test('403 where the server may not look', async t => {
  const { root, locate } = place(t)
  const shop = join(root, 'shop')
  chmodSync(shop, 0o000)
  const asAnother = process.getuid?.() === 0
  if (asAnother) process.seteuid?.(65534)
  const found = statusOf(() => locate('/shop/cart/c.txt'))
  if (asAnother) process.seteuid?.(0)
  chmodSync(shop, 0o755)
  t.equal(found, 403)
})

t.test('a long path costs no depth of calls', async t => {
  const { locate } = place(t)
  t.match(locate(`/${'a/'.repeat(100_000)}`), { kind: 'missing', name: 'a', directoryUrl: '/' })
  t.match(locate(`/shop/${'a/'.repeat(100_000)}x`), { kind: 'missing', name: 'a', directoryUrl: '/shop/' })
})

t.test('development sees a change at once', async t => {
  const { root, locate } = place(t)
  t.equal(locate('/shop/cart/c.txt').kind, 'file')
  rmSync(join(root, 'shop'), { recursive: true })
  t.match(locate('/shop/cart/c.txt'), { kind: 'missing', name: 'shop' })
  writeFileSync(join(root, 'shop'), 'now a file')
  t.match(locate('/shop/cart/c.txt'), { kind: 'file', name: 'shop', pathInfo: '/cart/c.txt' })
})

t.test('production trusts directories for as long as it was told, files never', async t => {
  const { root, clock, locator, locate } = place(t, 1000)
  t.equal(locate('/shop/cart/c.txt').kind, 'file')
  writeFileSync(join(root, 'shop', 'cart', 'c.txt'), 'longer')
  t.equal(locate('/shop/cart/c.txt').stats?.size, 6)
  mkdirSync(join(root, 'shop', 'new'))
  t.equal(locate('/shop/new/').kind, 'directory', 'that something is missing is never trusted')
  rmSync(join(root, 'shop'), { recursive: true })
  t.equal(locate('/shop/cart/').kind, 'directory')
  t.equal(locate('/shop/cart/c.txt').kind, 'missing')
  writeFileSync(join(root, 'shop'), 'now a file')
  t.equal(locate('/shop/cart/c.txt').kind, 'missing')
  rmSync(join(root, 'shop'))
  clock.time += 1000
  t.match(locate('/shop/cart/'), { kind: 'missing', name: 'shop' })

  t.equal(locate('/.well-known/').kind, 'directory')
  rmSync(join(root, '.well-known'), { recursive: true })
  locator.forget(join(root, '.well-known'))
  t.equal(locate('/.well-known/').kind, 'missing', 'forgotten')
})

t.test('ScriptAlias: a directory beside the document root, with a way of its own', async t => {
  const top = realpathSync(
    t.testdir({
      root: { 'cgi-bin': { 'shadowed.txt': '' }, 'cgi-binary.txt': '' },
      programs: { run: '', '.hidden': '', admin: { tool: '' }, 'old.bak': '' },
      more: { run: '' },
    }),
  )
  const root = join(top, 'root')
  const programs = join(top, 'programs')
  symlinkSync(join(root, 'cgi-bin'), join(programs, 'out'))
  for (const recheckMs of [0, 1000]) {
    const scriptAliases = new Map([
      ['/cgi-bin/', programs],
      ['/cgi-bin/more/', join(top, 'more')],
    ])
    const { locate } = createLocator({ root, scriptAliases, accessFileNames, now: () => 1, recheckMs })
    const inPrograms = { root: { path: programs, url: '/cgi-bin/', isScriptAlias: true } }
    for (let round = 0; round < 2; round++) {
      t.match(locate('/cgi-bin/run/info/x?q'), {
        ...inPrograms,
        kind: 'file',
        file: join(programs, 'run'),
        directory: programs,
        pathInfo: '/info/x',
        query: 'q',
      })
      t.match(locate('/cgi-bin/admin/tool'), { ...inPrograms, kind: 'file', directoryUrl: '/cgi-bin/admin/' })
      t.match(locate('/cgi-bin/'), { ...inPrograms, kind: 'directory' })
      t.match(locate('/cgi-bin/shadowed.txt'), { ...inPrograms, kind: 'missing' })
      t.match(locate('/cgi-bin/more/run'), { kind: 'file', file: join(top, 'more/run') }, 'the longest path counts')
      t.match(locate('/cgi-bin'), { kind: 'directory', root: { path: root, url: '/', isScriptAlias: false } })
      t.match(locate('/cgi-binary.txt'), { kind: 'file', root: { path: root } })
      for (const hidden of ['/cgi-bin/.hidden', '/cgi-bin/old.bak', '/cgi-bin/.psoaccess'])
        t.match(locate(hidden), { kind: 'missing' }, hidden)
      t.match(locate('/cgi-bin/out/shadowed.txt'), { outside: { sameOwner: true } }, 'a link that leaves it')
      t.match(locate('/cgi-bin/../cgi-binary.txt'), { root: { path: root } }, 'dots are resolved before')
      t.match(locate('/x/..//cgi-bin/./run'), { ...inPrograms, kind: 'file' })
      for (const [url, status] of [
        ['/cgi-bin/../../etc/passwd', 400],
        ['/cgi-bin/..%2f..%2fetc/passwd', 404],
        ['/cgi-bin/%00', 404],
        ['/cgi-bin/run%zz', 400],
      ] as const)
        t.equal(
          statusOf(() => locate(url)),
          status,
          url,
        )
    }
  }
})
