import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hostileUrls } from '../support/hostile-urls.ts'
import { site } from '../support/site.ts'
import { exchange } from '../support/wire.ts'

const SECRET = 'SECRET-7c1f'

/** Every file that must never be sent holds the secret; what may be sent does not. */
const tree = {
  'index.html': 'front',
  shop: {
    '.psoaccess': `# ${SECRET}\n`,
    'handler.ts': `// ${SECRET}\nimport { helper } from './lib/helper.js'\nexport const handler = (req: any) => { req.write('shop ' + helper) }\n`,
    'handler.ts.br': SECRET,
    'handler.ts.gz': SECRET,
    'handler.ts.zst': SECRET,
    'handler.ts~': SECRET,
    'handler.ts.bak': SECRET,
    'handler.ts.orig': SECRET,
    '#handler.ts#': SECRET,
    '.handler.ts.swp': SECRET,
    'other.mts': SECRET,
    'page.tsx': SECRET,
    'HANDLER.TS': SECRET,
    '.env': SECRET,
    '.git': { config: SECRET },
    lib: { 'helper.js': `// ${SECRET}\nexport const helper = 'helped'\n`, 'helper.js.gz': SECRET },
  },
  bare: { 'handler.js': SECRET, 'handler.mjs': SECRET, 'secret.ts': SECRET, 'notes.txt~': SECRET },
}

t.test('no hostile URL, written as raw bytes, gets a byte of what must not be sent', { timeout: 60_000 }, async t => {
  const app = await site(t, tree)
  writeFileSync(join(app.root, '..', 'outside.txt'), SECRET)
  mkdirSync(join(app.root, 'links'))
  symlinkSync(join(app.root, '..', 'outside.txt'), join(app.root, 'links', 'out.txt'))
  symlinkSync(join(app.root, 'shop', 'handler.ts'), join(app.root, 'links', 'innocent.txt'))
  symlinkSync(join(app.root, 'shop'), join(app.root, 'links', 'shop'))
  symlinkSync('/', join(app.root, 'links', 'root'))
  linkSync(join(app.root, 'index.html'), join(app.root, 'links', 'hard.html'))
  const address = await app.url()
  t.equal((await app.inject('/shop/')).body, 'shop helped', 'the modules are loaded')

  const targets = new Set<string>()
  const secrets = [
    '/shop/handler.ts',
    '/shop/.psoaccess',
    '/shop/lib/helper.js',
    '/shop/.git/config',
    '/bare/handler.js',
    '/bare/secret.ts',
    '/links/out.txt',
    '/links/innocent.txt',
    '/links/root/etc/passwd',
  ]
  for (const path of secrets) for (const url of hostileUrls(path)) targets.add(url)
  for (const name of Object.keys(tree.shop))
    if (!['lib'].includes(name)) targets.add(`/shop/${encodeURIComponent(name)}`)
  for (const name of Object.keys(tree.bare)) targets.add(`/bare/${encodeURIComponent(name)}`)
  t.ok(targets.size >= 1000, `${targets.size} targets`)

  const methods = ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PROPFIND']
  const fields = [
    '',
    'Range: bytes=0-100\r\n',
    'Accept-Encoding: br, gzip, zstd\r\n',
    'X-Original-URL: /shop/handler.ts\r\nX-Rewrite-URL: /shop/handler.ts\r\n',
    'If-None-Match: "x"\r\nIf-Range: "x"\r\n',
  ]
  let count = 0
  const failures: string[] = []
  const urls = [...targets]
  const worker = async (): Promise<void> => {
    for (let url = urls.pop(); url !== undefined; url = urls.pop()) {
      const number = count++
      const method = number % 3 === 0 ? methods[((number / 3) % methods.length) | 0]! : 'GET'
      const answer = await raw(
        address,
        `${method} ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields[number % fields.length]}Content-Length: 0\r\n\r\n`,
      )
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
      if (answer.includes(SECRET) || /root:.*:0:0:/.test(answer)) failures.push(`leaked: ${JSON.stringify(url)}`)
      if (!(status >= 200 && status < 500)) failures.push(`${status}: ${method} ${JSON.stringify(url)}`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  t.same(failures, [])
  t.equal((await app.inject('/shop/')).body, 'shop helped', 'the server is well')
})

t.test('what cannot be read as HTTP gets 400 and a closed connection; the next client is served', async t => {
  const app = await site(t, { 'a.txt': 'a' })
  const address = await app.url()
  for (const bytes of [
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    '\x16\x03\x01\x02\x00',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(80_000)}\r\n\r\n`,
  ])
    t.match(await raw(address, bytes), /^HTTP\/1\.1 4\d\d /, JSON.stringify(bytes.slice(0, 40)))
  t.equal((await app.inject('/a.txt')).body, 'a')
})

t.test('a request that names its host twice is 400', async t => {
  const app = await site(t, { 'a.txt': 'a' })
  const address = await app.url()
  const ask = (hosts: string) => raw(address, `GET /a.txt HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
  t.match(await ask('Host: a\r\nhost: b\r\n'), /^HTTP\/1\.1 400 /)
  t.match(await ask('Host: a\r\nDate: b\r\n'), /^HTTP\/1\.1 200 /)
})

/** Bytes as they are, a character a byte. */
const raw = (address: string, bytes: string): Promise<string> => exchange(address, Buffer.from(bytes, 'latin1'))
