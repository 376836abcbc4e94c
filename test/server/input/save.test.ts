import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { withoutDirectories } from '../../../server/input/uploaded-file.ts'
import { does } from '../../support/handlers.ts'
import { multipartPost } from '../../support/multipart.ts'
import { site, type TestSite, type Tree } from '../../support/site.ts'
import { until } from '../../support/until.ts'
import { uploadsIn } from '../../support/uploads.ts'

const saves = does(`
const p = req.pso()
const file = p.getFile('up')
try {
  const path = await file.save(p.getInput('as', file.filename), p.getInput('in'))
  return [path, file.path === path ? '' : 'another path']
} catch (error: any) { return [error.message, ''] }
`)

/** Where the handler saved it, below the document root; or why it did not. */
async function save(app: TestSite, as: string | undefined, into?: string, url = '/'): Promise<string> {
  const fields = [
    ...(as === undefined ? [] : [{ name: 'as', content: as }]),
    ...(into === undefined ? [] : [{ name: 'in', content: into }]),
  ]
  const post = multipartPost([...fields, { name: 'up', filename: 'up.txt', content: 'new' }])
  return (await app.inject({ ...post, url })).json().join('').replace(app.root, '')
}

const where = (t: Test, tree: Tree): Promise<TestSite> => site(t, { '.psoaccess': '', 'handler.ts': saves, ...tree })

t.test(
  'save(name) moves the file to the handler’s directory, or the one given, in place of what was there',
  async t => {
    const app = await where(t, { 'old.txt': 'old', pictures: { deep: {} }, below: { 'a.txt': 'a' } })
    t.equal(await save(app, undefined), '/up.txt')
    t.equal(readFileSync(join(app.root, 'up.txt'), 'utf8'), 'new')
    t.equal(
      statSync(join(app.root, 'up.txt')).mode & 0o777,
      0o666 & ~process.umask(),
      'as a file that it writes itself',
    )
    t.equal(await save(app, 'old.txt'), '/old.txt')
    t.equal(readFileSync(join(app.root, 'old.txt'), 'utf8'), 'new')
    t.equal(await save(app, 'a.txt', 'pictures'), '/pictures/a.txt')
    t.equal(await save(app, 'deep/a.txt', 'pictures'), '/pictures/deep/a.txt')
    t.equal(await save(app, 'a b é.txt', join(app.root, 'pictures')), '/pictures/a b é.txt')
    t.equal(await save(app, 'x.txt', undefined, '/below/'), '/x.txt', 'where it was named, not where it was asked for')
    const outside = join(app.root, '../elsewhere')
    mkdirSync(outside)
    t.equal(await save(app, 'x.txt', '../elsewhere'), join(outside, 'x.txt'))
    t.equal((await app.inject('/pictures/a.txt')).body, 'new')
  },
)

t.test('save() refuses what would be run, what is never sent, and what leaves the directory', async t => {
  const app = await where(t, {
    'used.js': 'export const used = 1\n',
    'imports.ts': 'import { used } from "./used.js"\nexport const handler = () => `${used}`\n',
    'named.js': 'export const fixup = () => {}\n',
    using: { '.psoaccess': 'PSOHandler = ../imports.ts\nPSOFixupHandler = ../named.js' },
    pictures: {},
    run: { '.psoaccess': 'AddHandler = pso-program .foo' },
    all: { '.psoaccess': 'SetHandler = pso-program' },
    plain: { '.psoaccess': 'AddHandler = pso-program .foo\nSetHandler = default-handler' },
    broken: { '.psoaccess': 'Nonsense = 1' },
    hand: { '.psoaccess': 'PSOHandler = ./later' },
    '.hidden': {},
  })
  symlinkSync(join(app.root, '..'), join(app.root, 'pictures/out'))
  symlinkSync(join(app.root, 'run'), join(app.root, 'pictures/run'))
  symlinkSync(join(app.root, 'used.js'), join(app.root, 'pictures/link.js'))
  t.equal((await app.inject('/using/')).body, '1', 'the modules are loaded')
  const cases: readonly (readonly [as: string, into: string | undefined, reason: RegExp])[] = [
    ['', undefined, /expected a file name/],
    ['../x.txt', 'pictures', /within the directory/],
    ['a/../../x.txt', 'pictures', /within the directory/],
    ['/etc/x', 'pictures', /within the directory/],
    ['a\0.txt', 'pictures', /within the directory/],
    ['a\\..\\b', 'pictures', /within the directory/],
    ['.', 'pictures', /within the directory/],
    ['a/', 'pictures', /within the directory/],
    ['none/a.txt', 'pictures', /the directory .*\/pictures\/none is missing/],
    ['a.txt', 'missing', /the directory .*\/missing is missing/],
    ['out/a.txt', 'pictures', /leave .*\/pictures by a symbolic link/],
    ['run/a.txt', 'pictures', /leave .*\/pictures by a symbolic link/],
    ['handler.ts', undefined, /handler\.ts is a name that is never sent/],
    ['handler.js', 'pictures', /never sent/],
    ['HANDLER.TS', 'pictures', /never sent/],
    ['handler.mjs.gz', 'pictures', /never sent/],
    ['other.ts', 'pictures', /other\.ts is source code/],
    ['other.tsx. ', 'pictures', /source code/],
    ['.psoaccess', 'pictures', /never sent/],
    ['.htaccess', 'pictures', /never sent/],
    ['.hidden/a.txt', '.', /\.hidden is a name that is never sent/],
    ['a.bak', 'pictures', /never sent/],
    ['a.txt~', 'pictures', /never sent/],
    ['used.js', undefined, /a module of a handler/],
    ['link.js', 'pictures', /a module of a handler/],
    ['named.js', undefined, /a module of a handler/],
    ['later.js', 'hand', /a module of a handler/],
    ['a.foo', 'run', /run, by pso-program/],
    ['a.FOO', 'run', /run, by pso-program/],
    ['a.txt', 'all', /run, by pso-program/],
    ['a.txt', 'broken', /has a mistake/],
  ]
  for (const [as, into, reason] of cases) {
    t.match(await save(app, as, into), reason, JSON.stringify(as))
  }
  t.equal(await save(app, 'a.foo', 'plain'), '/plain/a.foo')
  t.equal(await save(app, 'a.js', 'pictures'), '/pictures/a.js', 'JavaScript that nobody imports is a file')
  t.match(await save(app, 'pictures'), /EISDIR|ENOTEMPTY|EEXIST|directory/)
  t.match(readFileSync(join(app.root, 'used.js'), 'utf8'), 'export')
})

t.test('save() refuses a directory of ScriptAlias, where all files are run', async t => {
  const app = await site(
    t,
    { '.psoaccess': '', 'handler.ts': saves },
    { ini: 'ScriptAlias = /cgi-bin/ programs', programs: { 'old.sh': '#!/bin/sh\n', deep: {} } },
  )
  for (const [as, into] of [
    ['old.sh', '../programs'],
    ['new.txt', '../programs'],
    ['new.txt', '../programs/deep'],
    ['deep/new.txt', '../programs'],
    ['programs/new.txt', '..'],
  ] as const)
    t.match(await save(app, as, into), /all files of its directory are run \(ScriptAlias\)/, `${as} in ${into}`)
  t.equal(readFileSync(join(app.root, '../programs/old.sh'), 'utf8'), '#!/bin/sh\n')
})

/** A directory that an upload has to be copied to. */
function otherFileSystem(t: Test, { stateDirectory }: TestSite): string | undefined {
  const memory = '/dev/shm'
  if (!existsSync(memory) || statSync(memory).dev === statSync(stateDirectory).dev) return undefined
  const other = mkdtempSync(join(memory, 'pso-test-'))
  t.teardown(() => rmSync(other, { recursive: true }))
  return other
}

t.test('save() to another file system: the whole file or none, and nothing beside it', async t => {
  const app = await where(t, {})
  const other = otherFileSystem(t, app)
  if (other === undefined) return t.pass('there is no other file system', { skip: true })
  t.equal(await save(app, 'x.txt', other), join(other, 'x.txt'))
  t.equal(readFileSync(join(other, 'x.txt'), 'utf8'), 'new')
  t.equal(statSync(join(other, 'x.txt')).mode & 0o777, 0o666 & ~process.umask())
  mkdirSync(join(other, 'taken'))
  t.match(await save(app, 'taken', other), /EISDIR|ENOTEMPTY|EEXIST/)
  t.same(readdirSync(other).sort(), ['taken', 'x.txt'])
  await until(() => uploadsIn(app.stateDirectory).length === 0)
})

t.test('what stands in the place of a directory when it has been judged gets nothing', async t => {
  // save() has judged and taken hold of it when it returns; what follows is what another process may do before the file is moved
  const swaps = `
    const { mkdirSync, renameSync, symlinkSync } = await import('node:fs')
    const [into, outside] = [req.pso().getInput('in'), req.pso().getInput('outside')]
    const saving = req.pso().getFile('up').save('deep/a.txt', into)
    renameSync(into + '/deep', into + '/moved')
    symlinkSync(outside, into + '/deep')
    await saving`
  const app = await where(t, { 'handler.ts': does(swaps), outside: {} })
  const outside = join(app.root, 'outside')
  for (const into of [mkdtempSync(join(app.root, '../same-')), otherFileSystem(t, app)]) {
    if (into === undefined) continue
    mkdirSync(join(into, 'deep'))
    const fields = Object.entries({ in: into, outside }).map(([name, content]) => ({ name, content }))
    const post = multipartPost([...fields, { name: 'up', filename: 'up.txt', content: 'new' }])
    t.equal((await app.inject({ ...post, url: '/' })).statusCode, 200)
    t.same(readdirSync(outside), [])
    t.equal(readFileSync(join(into, 'moved/a.txt'), 'utf8'), 'new', 'it is where the directory has gone')
  }
})

t.test(
  'a link in the place of what was saved before is moved as a link: nothing that it leads to is read or changed',
  async t => {
    const again = `
    const { rmSync, symlinkSync } = await import('node:fs')
    const file = req.pso().getFile('up')
    const [into, secret] = [req.pso().getInput('in'), req.pso().getInput('secret')]
    await file.save('a.txt')
    rmSync(file.path)
    symlinkSync(secret, file.path)
    await file.save('b.txt', into)`
    const app = await where(t, { 'handler.ts': does(again) })
    const secret = join(app.stateDirectory, 'secret')
    writeFileSync(secret, 'secret', { mode: 0o600 })
    for (const into of [app.root, otherFileSystem(t, app)]) {
      if (into === undefined) continue
      const fields = Object.entries({ in: into, secret }).map(([name, content]) => ({ name, content }))
      const post = multipartPost([...fields, { name: 'up', filename: 'up.txt', content: 'new' }])
      t.equal((await app.inject({ ...post, url: '/' })).statusCode, into === app.root ? 200 : 500)
      t.equal(statSync(secret).mode & 0o777, 0o600)
      if (into !== app.root) t.same(readdirSync(into), [])
    }
  },
)

t.test('saves that nobody awaits are finished before the upload is removed', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'const file = req.pso().getFile("up"); void file.save("late.txt"); file.save("../refused").catch(() => {}); return "sent"',
    ),
  })
  t.equal(
    (await app.inject({ ...multipartPost([{ name: 'up', filename: 'a', content: 'x' }]), url: '/' })).body,
    'sent',
  )
  await until(() => existsSync(join(app.root, 'late.txt')))
  await app.close()
  t.equal(readFileSync(join(app.root, 'late.txt'), 'utf8'), 'x')
})

t.test('a file with two names keeps its other one', async t => {
  const app = await where(t, { 'a.txt': 'old' })
  linkSync(join(app.root, 'a.txt'), join(app.root, 'b.txt'))
  await save(app, 'b.txt')
  t.same(
    ['a.txt', 'b.txt'].map(name => readFileSync(join(app.root, name), 'utf8')),
    ['old', 'new'],
  )
})

t.test('a client’s name of a file has no directories and no control characters', async t => {
  for (const [sent, name] of [
    ['a.txt', 'a.txt'],
    ['C:\\Photos\\a.jpg', 'a.jpg'],
    ['\\\\server\\share\\a.jpg', 'a.jpg'],
    ['C:a.jpg', 'a.jpg'],
    ['../../x', 'x'],
    ['..\\..\\x', 'x'],
    ['/etc/passwd', 'passwd'],
    ['a/..', '..'],
    ['a\0b\r\n\u0085.txt', 'ab.txt'],
    ['dir/', ''],
  ] as const)
    t.equal(withoutDirectories(sent), name, JSON.stringify(sent))
})

t.test('a filename with a path arrives without it', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': does('return req.pso().getFile("up").filename') })
  for (const [filename, name] of [
    ['../../x', 'x'],
    ['C:\\Photos\\a.jpg', 'a.jpg'],
    ['a&#1084;.txt', 'a&#1084;.txt'],
    ['a%22b.txt', 'a%22b.txt'],
    ['мир.txt', 'мир.txt'],
  ] as const) {
    const answer = await app.inject({ ...multipartPost([{ name: 'up', filename, content: 'x' }]), url: '/' })
    t.equal(answer.body, name, filename)
  }
})
