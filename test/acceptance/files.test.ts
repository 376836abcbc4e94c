import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { hostileUrls } from '../support/hostile-urls.ts'
import { startPso } from '../support/pso-process.ts'
import { site } from '../support/site.ts'
import { wire } from '../support/wire.ts'

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

t.test('43: what follows the URL of a handler is its pathInfo; nothing leads to a file outside', async t => {
  const app = await site(
    t,
    {
      shop: { '.psoaccess': '', 'handler.ts': does('return `pathInfo ${req.pathInfo}`') },
      pages: { '.psoaccess': 'PSOHandler = ../shop/handler.ts | .html', 'page.html': 'a file' },
    },
    { development: true },
  )
  t.equal((await app.inject('/shop/more/path')).body, 'pathInfo /more/path')
  t.equal((await app.inject('/pages/page.html/more/path')).body, 'pathInfo /more/path')
  writeFileSync(join(app.root, '..', 'outside.txt'), 'SECRET')
  writeFileSync(join(app.root, '..', 'x'), 'SECRET')
  const url = await app.url()
  for (const target of ['/shop/more%2Fpath', '/shop/more%2fpath', '/shop%2F'])
    t.equal(statusOf(await wire(url, target)), 404, target)
  const climbing = ['/../x', '/%2e%2e/x', '/%2E%2E/outside.txt', '/shop/../../outside.txt', '/shop/%2e%2e/%2e%2e/x']
  for (const target of [...climbing, '/..%2fx', '/%2e%2e%2foutside.txt', '/..%5coutside.txt']) {
    const answer = await wire(url, target)
    t.ok([400, 404].includes(statusOf(answer)), `${target}: ${statusOf(answer)}`)
    t.notMatch(answer, 'SECRET', target)
  }
})

t.test('44: an edit is seen by the next request: a handler, what it imports, a mistake and its mending', async t => {
  const imports = (text: string): string =>
    `import { helped } from './helper.ts'\nexport const handler = () => '${text} ' + helped\n`
  const app = await site(
    t,
    {
      edited: {
        '.psoaccess': 'PSOOption = size small',
        'handler.ts': imports('one'),
        'helper.ts': "export const helped = 'first'\n",
      },
      other: { '.psoaccess': '', 'handler.ts': says('other') },
      options: { '.psoaccess': 'PSOOption = size small', 'handler.ts': does('return req.options.size') },
    },
    { development: true },
  )
  const edited = (name: string): string => join(app.root, 'edited', name)
  const body = async (url = '/edited/'): Promise<string> => (await app.inject(url)).body
  t.equal(await body(), 'one first')

  writeFileSync(edited('handler.ts'), imports('two'))
  t.equal(await body(), 'two first')

  writeFileSync(edited('helper.ts'), "export const helped = 'second'\n")
  t.equal(await body(), 'two second')

  writeFileSync(edited('helper.ts'), "export const helped = 'third!'\n")
  utimesSync(edited('helper.ts'), new Date(2000, 0), new Date(2000, 0))
  t.equal(await body(), 'two third!', 'though its time is in the past')

  writeFileSync(edited('handler.ts'), 'export const handler = ( => 1\n')
  t.equal((await app.inject('/edited/')).statusCode, 500)
  t.equal(await body('/other/'), 'other')
  writeFileSync(edited('handler.ts'), imports('three'))
  t.equal(await body(), 'three third!')

  t.equal(await body('/options/'), 'small')
  writeFileSync(join(app.root, 'options/.psoaccess'), 'PSOOption = size large')
  t.equal(await body('/options/'), 'large')
})

t.test('45: two directories with a handler.ts each serve their own', async t => {
  const app = await site(
    t,
    { a: { '.psoaccess': '', 'handler.ts': says('a') }, b: { '.psoaccess': '', 'handler.ts': says('b') } },
    { development: true },
  )
  for (const name of ['a', 'b', 'a']) t.equal((await app.inject(`/${name}/`)).body, name)
})

t.test('46: an unknown name closes its tree and is told with file and line; its neighbours notice nothing', async t => {
  const app = await site(
    t,
    {
      bad: {
        '.psoaccess': '# a comment\nPSOServiceId = shop\nPSOSesionExpire = 900\n',
        'handler.ts': says('bad'),
        'file.txt': 'a file',
        below: { 'file.txt': 'a file' },
      },
      good: { '.psoaccess': '', 'handler.ts': says('good') },
    },
    { development: true },
  )
  const told = `${join(app.root, 'bad/.psoaccess')}:3: PSOSesionExpire: unknown directive`
  for (const url of ['/bad/', '/bad/file.txt', '/bad/below/file.txt']) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 500, url)
    t.ok(answer.body.includes(told), 'development shows it')
  }
  t.ok(app.errorLog().includes(told))
  t.equal((await app.inject('/good/')).body, 'good')

  const check = startPso(t, ['check', '--config', join(app.root, '../conf/server.ini')])
  t.equal(await check.ended, 1)
  t.ok(check.out().includes(told), check.out())

  const production = await site(t, { '.psoaccess': '\n\nPSOSesionExpire = 900' })
  t.equal((await production.inject('/')).statusCode, 500)
  t.notMatch((await production.inject('/')).body, /psoaccess|PSOSesionExpire/)
  t.match(production.errorLog(), /\.psoaccess:3: PSOSesionExpire/)
})

t.test('47: no URL gives the source of a handler or a .psoaccess', async t => {
  const app = await site(
    t,
    {
      dir: {
        '.psoaccess': '# SECRET\nPSOServiceId = s\n',
        'handler.ts': `// SECRET\n${says('the page')}`,
        'helper.ts': '// SECRET\n',
      },
    },
    { development: true },
  )
  const url = await app.url()
  const targets = ['.psoaccess', 'handler.ts', 'helper.ts'].flatMap(name => hostileUrls(`/dir/${name}`))
  const leaks = async (): Promise<string[]> => {
    const found = []
    for (const target of targets) if ((await wire(url, target)).includes('SECRET')) found.push(target)
    return found
  }
  t.ok(targets.includes('/dir/.psoaccess') && targets.includes('/dir/handler.ts'))
  t.equal((await app.inject('/dir/')).body, 'the page')
  t.same(await leaks(), [])
  // what was a handler's directory is one of files now
  rmSync(join(app.root, 'dir/.psoaccess'))
  t.not((await app.inject('/dir/')).body, 'the page')
  t.same(await leaks(), [])
  t.same(readdirSync(join(app.root, 'dir')), ['handler.ts', 'helper.ts'])
})

t.test("51: a parent's [Files] beats a child's plain line, for the files that it names", async t => {
  const shows = does('return String(req.options.from)')
  const app = await site(
    t,
    {
      '.psoaccess': '[Files x.html]\nPSOOption = from section\n[/Files]\n',
      child: {
        '.psoaccess': 'PSOOption = from line\nPSOHandler = shows.ts | .html',
        'shows.ts': shows,
        'x.html': 'a file',
        'y.html': 'a file',
      },
    },
    { development: true },
  )
  t.equal((await app.inject('/child/x.html')).body, 'section')
  t.equal((await app.inject('/child/y.html')).body, 'line')
})
