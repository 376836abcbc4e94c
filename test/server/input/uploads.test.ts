import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sweepUploads } from '../../../server/input/uploads.ts'
import { does } from '../../support/handlers.ts'
import { multipartPost } from '../../support/multipart.ts'
import { site } from '../../support/site.ts'
import { until } from '../../support/until.ts'
import { uploadsIn } from '../../support/uploads.ts'

/** Files that are there because of uploads. */

const describes = does(`
const p = req.pso()
const { readFileSync, statSync } = await import('node:fs')
const { createHash } = await import('node:crypto')
const about = (file: any) => file && {
  key: file.key, filename: file.filename, type: file.type, size: file.size,
  mode: (statSync(file.path).mode & 0o777).toString(8),
  hash: createHash('sha256').update(readFileSync(file.path)).digest('hex'),
}
return { files: p.getFiles().map(about), up: about(p.getFile('up')) ?? null, none: p.getFile('none', 'fallback'), ups: p.getFiles('up').length, fields: p.getInputDict() }
`)

const hash = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

t.test(
  'a form brings files and fields; the files are on disk, for the server alone, and gone after the request',
  async t => {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': describes })
    const binary = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7919) % 256))
    const answer = await app.inject({
      ...multipartPost([
        { name: 'a', content: '1' },
        { name: 'up', filename: 'photo é.png', type: 'image/png', content: binary },
        { name: 'a', content: 'ü\r\n--2' },
        { name: 'up', filename: 'empty.txt', type: 'text/plain', content: '' },
        { name: 'none', filename: '', type: 'application/octet-stream', content: '' },
        { name: 'other', filename: 'x', content: '\r\n' },
      ]),
      url: '/?a=0',
    })
    const photo = {
      key: 'up',
      filename: 'photo é.png',
      type: 'image/png',
      size: 70_000,
      mode: '600',
      hash: hash(binary),
    }
    t.same(answer.json(), {
      files: [
        photo,
        { ...photo, filename: 'empty.txt', type: 'text/plain', size: 0, hash: hash('') },
        { ...photo, key: 'other', filename: 'x', type: 'text/plain', size: 2, hash: hash('\r\n') },
      ],
      up: photo,
      none: 'fallback',
      ups: 2,
      fields: { a: ['0', '1', 'ü\r\n--2'] },
    })
    await until(() => uploadsIn(app.stateDirectory).length === 0)
    t.equal(statSync(join(app.stateDirectory, 'uploads')).mode & 0o777, 0o700)
  },
)

t.test('bodies in any pieces, CR at their ends and boundaries split, arrive as they were', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': describes })
  const content = 'line\r\n\r--\r\n----pso-test\r\n\r\n-\r'
  const { headers, payload } = multipartPost([
    { name: 'up', filename: 'a', content },
    { name: 'b', content },
  ])
  const url = await app.url()
  for (const size of [1, 2, 3, 7, 50]) {
    const pieces = Array.from({ length: Math.ceil(payload.length / size) }, (_, at) =>
      payload.subarray(at * size, (at + 1) * size),
    )
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: ReadableStream.from(pieces),
      duplex: 'half',
    } as RequestInit)
    const { up, fields } = (await response.json()) as { up: { size: number; hash: string }; fields: unknown }
    t.same([up.size, up.hash, fields], [content.length, hash(content), { b: [content] }], `pieces of ${size}`)
  }
})

t.test('uploads are gone however the handler ends', async t => {
  const ends = {
    throws: 'throw new Error("no")',
    status: 'return 403',
    redirects: 'req.pso().redirect("/elsewhere")',
    inside: 'req.internalRedirect("/plain.txt")',
    flushes: 'req.write("a"); await req.flush(); throw new Error("after")',
  }
  const app = await site(t, {
    'plain.txt': 'plain',
    ...Object.fromEntries(
      Object.entries(ends).map(([name, body]) => [
        name,
        { '.psoaccess': '', 'handler.ts': does(`if (req.pso().getFile("up").size !== 3) return "wrong"\n${body}`) },
      ]),
    ),
  })
  const post = multipartPost([{ name: 'up', filename: 'a', content: 'abc' }])
  const url = await app.url()
  for (const name of Object.keys(ends)) {
    const response = await fetch(`${url}/${name}/`, {
      method: 'POST',
      headers: post.headers,
      body: post.payload,
      redirect: 'manual',
    })
    t.not(await response.text().catch(() => 'cut'), 'wrong', name)
    await until(() => uploadsIn(app.stateDirectory).length === 0)
  }
})

t.test('keep() leaves the file after the request', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'const file = req.pso().getFile("up"); const path = file.keep(); return [path, file.keep(), file.path]',
    ),
  })
  const answer = await app.inject({ ...multipartPost([{ name: 'up', filename: 'a', content: 'abc' }]), url: '/' })
  const [path, again, now] = answer.json() as string[]
  t.same([again, now], [path, path])
  await app.close()
  t.equal(readFileSync(path!, 'utf8'), 'abc')
  t.equal(statSync(path!).mode & 0o777, 0o600)
  await sweepUploads(app.stateDirectory, Date.now())
  t.ok(existsSync(path!), 'a server that starts leaves it, too')
})

t.test('a server that starts removes what processes that died left behind', async t => {
  const top = t.testdir()
  const plant = (process: string, name: string, age: number): string => {
    const directory = join(top, 'uploads', process)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, name), 'x')
    const seconds = (Date.now() - age) / 1000
    utimesSync(join(directory, name), seconds, seconds)
    return join(directory, name)
  }
  const [, , boot, namespace] = (await import('../../../session/index.ts')).thisProcess.split(' ')
  const hour = 60 * 60 * 1000
  const dead = plant(`4194305,1,${boot},${namespace}`, 'a', 0)
  const own = plant((await import('../../../session/index.ts')).thisProcess.replaceAll(' ', ','), 'a', 100 * hour)
  const elsewhere = plant('7,1,another-boot,1', 'new', hour)
  const old = plant('7,1,another-boot,1', 'old', 25 * hour)
  const ancient = plant('8,1,another-boot,1', 'old', 25 * hour)
  const kept = plant('kept', 'old', 1000 * hour)
  await sweepUploads(top, Date.now())
  t.same(
    [dead, own, elsewhere, old, ancient, kept].map(path => existsSync(path)),
    [false, true, true, false, false, true],
  )
  t.notOk(existsSync(join(ancient, '..')))
  await sweepUploads(join(top, 'missing'), Date.now())
})
