import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { readServerConfig } from '../directives/index.ts'
import { counter, Jar, visit } from './support/handlers.ts'
import { multipartPost } from './support/multipart.ts'
import { plantPso, plantSite, runProgram } from './support/program.ts'
import { cli, project } from './support/project.ts'
import { type SiteOptions, site, type TestSite } from './support/site.ts'
import { until } from './support/until.ts'
import { uploadsIn } from './support/uploads.ts'

const root = join(project, 'public_html')
const sources = globSync(['**/.psoaccess', '**/*.ts'], { cwd: root })
const examples = readdirSync(root, { withFileTypes: true })
  .filter(entry => entry.isDirectory() && entry.name !== 'page')
  .map(({ name }) => name)

/** The site as it is in the repository, its state elsewhere. */
const publicHtml = (t: Test, options: SiteOptions = {}): Promise<TestSite> =>
  site(t, {}, { ini: `DocumentRoot = "${root}"`, ...options })

/** What an example's page says, by name. */
const factsOf = (body: string): Record<string, string> =>
  Object.fromEntries(
    [...body.matchAll(/<dt>(.*?)<\/dt><dd>([\s\S]*?)<\/dd>/g)].map(([, name, value]) => [name, text(value!)]),
  )

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')

const text = (markup: string): string => markup.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))

/** One browser: it keeps cookies, and reads pages as people do. */
class Visitor {
  readonly jar = new Jar()
  readonly #app: TestSite

  constructor(app: TestSite) {
    this.#app = app
  }

  async get(url: string) {
    const answer = await this.#app.inject({ url, headers: this.jar.headers })
    return this.#seen(answer)
  }

  async post(url: string, payload: string) {
    const headers = { ...this.jar.headers, 'content-type': 'application/x-www-form-urlencoded' }
    return this.#seen(await this.#app.inject({ method: 'POST', url, headers, payload }))
  }

  #seen(answer: Awaited<ReturnType<TestSite['inject']>>) {
    this.jar.take(answer.headers)
    return { status: answer.statusCode, headers: answer.headers, body: answer.body, facts: factsOf(answer.body) }
  }
}

const cookieOf = (headers: { 'set-cookie'?: string | string[] | undefined }): string =>
  [headers['set-cookie'] ?? []].flat().join('\n')

t.test('the front page shows the source of every example, escaped, beside a link to it', async t => {
  const { status, body } = await new Visitor(await publicHtml(t)).get('/')
  t.equal(status, 200)
  for (const directory of examples) t.match(body, `<a class="open" href="/${directory}/">`)
  const shown = [
    ...body.matchAll(/<figcaption>(.*?)<\/figcaption>\s*(?:<pre[^>]*><code>([\s\S]*?)<\/code>|<p class="empty">)/g),
  ]
  const expected = sources.filter(name => examples.includes(name.split('/')[0]!))
  t.same(shown.map(([, name]) => name!).sort(), expected.sort())
  for (const [, name, code] of shown) t.equal(text(code ?? ''), readFileSync(join(root, name!), 'utf8'), name!)
  t.notMatch(body, '<form', 'a source is text, not markup')
})

t.test('every page is reached from the front page, and leads back to its source', async t => {
  const visitor = new Visitor(await publicHtml(t))
  const { body } = await visitor.get('/')
  const anchors = [...body.matchAll(/id="([^"]+)"/g)].map(([, id]) => id!)
  t.equal(new Set(anchors).size, anchors.length)
  const links = [...body.matchAll(/href="([^"]+)"/g)].map(([, href]) => text(href!))
  t.ok(links.length > 25)
  for (const link of links) {
    if (link.startsWith('#')) {
      t.ok(anchors.includes(link.slice(1)), link)
      continue
    }
    const page = await visitor.get(link)
    t.equal(page.status, 200, link)
    const back = /href="\/#([^"]+)"/.exec(page.body)?.[1]
    if (page.facts['Your visits'] !== undefined) t.equal(`/${back}/`, link)
  }
})

t.test('no source is ever served', async t => {
  const visitor = new Visitor(await publicHtml(t))
  for (const name of sources) {
    const source = readFileSync(join(root, name), 'utf8')
    const { body } = await visitor.get(`/${name}`)
    if (source !== '') t.notOk(body.includes(source), name)
    t.notMatch(body, /^import /m, name)
  }
})

t.test('the front page answers its own URL only', async t => {
  const visitor = new Visitor(await publicHtml(t))
  for (const url of [
    '/missing',
    '/missing/',
    '/page/',
    '/page/html.ts',
    '/examples.ts',
    '/counters/',
    '/downloads/missing',
  ])
    t.equal((await visitor.get(url)).status, 404, url)
  t.equal((await visitor.get('/favicon.ico')).headers.location, '/icon.svg')
  t.match((await visitor.get('/icon.svg')).headers['content-type'], 'image/svg+xml')
  t.match((await visitor.get('/style.css')).headers['content-type'], 'text/css')
})

t.test('what the front page’s .psoaccess sets holds below it', async t => {
  const visitor = new Visitor(await publicHtml(t))
  for (const url of ['/', '/style.css', '/level1/level2/level3/', '/downloads/', '/missing'])
    t.equal((await visitor.get(url)).headers['x-content-type-options'], 'nosniff', url)
})

t.test('the counter is the handler of the contract beside an empty .psoaccess, and counts', async t => {
  t.equal(readFileSync(join(root, 'counter/handler.ts'), 'utf8'), counter)
  t.equal(readFileSync(join(root, 'counter/.psoaccess'), 'utf8'), '')
  const visitor = new Visitor(await publicHtml(t))
  for (const number of [1, 2, 3]) t.equal(visit((await visitor.get('/counter/')).body), number)
})

t.test('service id: it names the cookie', async t => {
  const visitor = new Visitor(await publicHtml(t))
  t.match((await visitor.get('/service-id/')).facts, { 'Your visits': '1', 'Service id': 'MI6Service' })
  t.same(visitor.jar.names, ['MI6Service'])
  t.equal((await visitor.get('/service-id/')).facts['Your visits'], '2')
})

t.test('forced id: all visitors share one session, and nobody gets a cookie', async t => {
  const app = await publicHtml(t)
  for (const number of ['1', '2', '3']) {
    const { headers, facts } = await new Visitor(app).get('/forced-id/')
    t.same(facts, { 'Visits of all visitors': number, 'Session id': 'everybody' })
    t.equal(headers['set-cookie'], undefined)
  }
})

const start = Date.UTC(2030, 0, 1)
const quarter = 'Tue, 01 Jan 2030 00:15:00 GMT'
for (const [directory, ends] of [
  ['expire-number', quarter],
  ['expire-expression', quarter],
  ['expire-date', 'Mon, 15 Apr 2041 19:00:00 GMT'],
  ['expire-on', 'Mon, 31 Dec 2040 23:59:59 GMT'],
] as const)
  t.test(`${directory}: the session ends in time, whatever the browser sends`, async t => {
    let now = start
    const visitor = new Visitor(await publicHtml(t, { now: () => now }))
    const first = await visitor.get(`/${directory}/`)
    t.match(first.facts, { 'Your visits': '1', 'This session ends': ends })
    t.match(cookieOf(first.headers), `Expires=${ends}; Max-Age=`)
    now = Date.parse(ends) - 1000
    t.match((await visitor.get(`/${directory}/`)).facts, { 'Your visits': '2', 'This session ends': ends })
    now = Date.parse(ends) + 1000
    t.equal((await visitor.get(`/${directory}/`)).facts['Your visits'], '1')
  })

t.test('expire-in-code: each link sets its expiry', async t => {
  const visitor = new Visitor(await publicHtml(t))
  const page = '/expire-in-code/'
  t.notMatch(cookieOf((await visitor.get(page)).headers), /expires|max-age/i, 'ends with the browser')
  for (const [wanted, endOf] of [
    ['seconds', (now: number) => now + 15 * 60_000],
    ['date', (now: number) => now + 48 * 60 * 60_000],
    ['day', () => Date.UTC(2034, 11, 31, 19)],
  ] as const) {
    const expected = endOf(Date.now())
    const { headers, facts } = await visitor.get(`${page}?do=${wanted}`)
    const ends = facts['This session ends']!
    t.ok(Math.abs(Date.parse(ends) - expected) < 30_000, `${wanted}: ${ends}`)
    t.match(cookieOf(headers), `Expires=${ends}`)
  }
  const last = await visitor.get(`${page}?do=now`)
  t.match(last.facts, { 'Your visits': '5', 'This session ends': 'right away' })
  t.match(cookieOf(last.headers), 'Max-Age=0')
  t.same(visitor.jar.names, [], 'the browser has dropped the cookie')
  t.equal((await visitor.get(page)).facts['Your visits'], '1')
})

t.test('revert: what the request has counted is forgotten', async t => {
  const visitor = new Visitor(await publicHtml(t))
  await visitor.get('/revert/')
  const reverted = await visitor.get('/revert/?do=revert')
  t.same(reverted.facts, { 'Counted just now': '2', 'Visits in the session': '1' })
  t.equal((await visitor.get('/revert/')).facts['Visits in the session'], '2')
})

t.test('save: what was saved stays when the handler fails', async t => {
  const visitor = new Visitor(await publicHtml(t))
  t.equal((await visitor.get('/save/?do=fail')).status, 500)
  t.same((await visitor.get('/save/')).facts, { 'Saved by save()': '2', 'Saved at the end': '1' })
})

t.test('session files lie where the directive, PATH and getPath say', async t => {
  const temporary = t.testdir()
  const before = process.env.TMPDIR
  const app = await publicHtml(t)
  process.env.TMPDIR = temporary
  t.teardown(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  const user = process.getuid?.()
  const places = {
    'path-directive': join(app.stateDirectory, 'path0'),
    'path-class': join(temporary, `pso-path1-${user}`),
    'path-method': join(temporary, `pso-path2-${user}-localhost.path-method.path2test`),
  }
  const filesIn = (directory: string): number => globSync('[0-9a-f][0-9a-f]/*', { cwd: directory }).length
  for (const [directory, place] of Object.entries(places)) {
    const visitor = new Visitor(app)
    const { facts } = await visitor.get(`/${directory}/`)
    t.equal(filesIn(place), 1, place)
    t.equal(facts['Kept in']!.replace(/\/$/, ''), place)
    t.equal((await visitor.get(`/${directory}/`)).facts['Your visits'], '2')
    t.equal(filesIn(place), 1, 'the second visit has the same file')
  }
  t.equal(filesIn(join(app.stateDirectory, 'sessions')), 0, 'nothing in the default place')
})

t.test('database: the visits lie in the database that the class’s own directive names', async t => {
  const first = await publicHtml(t)
  const visitor = new Visitor(first)
  for (const number of ['1', '2'])
    t.match((await visitor.get('/database/')).facts, { 'Your visits': number, 'Kept by': 'SqliteLoader' })
  const [name] = visitor.jar.names
  t.match(visitor.jar.value(name!), /^[\w-]{27}$/)
  t.notOk(existsSync(join(first.stateDirectory, 'sessions')), 'no file of a session')
  const rows = (): unknown[] => {
    const db = new DatabaseSync(join(first.stateDirectory, 'examples.sqlite'), { readOnly: true })
    const found = db.prepare('SELECT sessionId, record FROM session').all()
    db.close()
    return found
  }
  t.match(rows(), [{ sessionId: visitor.jar.value(name!), record: /"data":"{\\"visits\\":2}"/ }])
  const quoted = await first.inject({ url: '/database/', headers: { cookie: `${name}=x' OR '1'='1` } })
  t.equal(factsOf(quoted.body)['Your visits'], '1')
  t.match(rows()[0], { record: /"data":"{\\"visits\\":2}"/ }, 'no other row was touched')
})

t.test('cookie path: attributes as set, and the page shows no session id', async t => {
  const visitor = new Visitor(await publicHtml(t))
  const { headers, body, facts } = await visitor.get('/cookie-path/')
  const attributes = '; Path=/cookie-path/; Max-Age=3600; HttpOnly; SameSite=Strict; Comment=counts visits'
  t.ok(cookieOf(headers).endsWith(attributes))
  t.match(facts['Set-Cookie'], /^localhost\.cookie-path\.handler=.{4}…;/)
  t.ok(facts['Set-Cookie']!.endsWith(attributes))
  t.notOk(body.includes(visitor.jar.value('localhost.cookie-path.handler')!))
  t.match((await visitor.get('/cookie-path/')).facts, { 'Your visits': '2', 'Set-Cookie': /^none/ })
})

t.test('cookie domain: one cookie for all hosts of the domain, linked at this port', async t => {
  const app = await publicHtml(t)
  const { headers, body } = await app.inject({ url: '/cookie-domain/', headers: { host: '127.0.0.1:8080' } })
  t.match(cookieOf(headers), '; Domain=pso.localhost;')
  for (const host of ['www', 'shop']) t.match(body, `href="http://${host}.pso.localhost:8080/cookie-domain/"`)
})

t.test('without cookies: the links carry the session, and with the cookie they need not', async t => {
  const app = await publicHtml(t)
  const linkOf = (body: string): string => text(/href="([^"]*\/without-cookies\/[^"]*)"/.exec(body)![1]!)
  let url = '/without-cookies/'
  for (const number of ['1', '2', '3']) {
    const { body, facts } = await new Visitor(app).get(url)
    t.match(facts, { 'Your visits': number, 'This page’s link': /\/without-cookies\/\?Basket=.{4}…$/ })
    url = linkOf(body)
  }
  const visitor = new Visitor(app)
  await visitor.get('/without-cookies/')
  const { body, facts } = await visitor.get('/without-cookies/')
  t.match(facts, { 'Your visits': '2', 'Your browser brought the cookie': 'yes' })
  t.match(linkOf(body), /\/without-cookies\/$/)
})

t.test(
  'fixup and log: the log handler has seen every request, also the failed one, with its time since fixup',
  async t => {
    const visitor = new Visitor(await publicHtml(t))
    const { facts } = await visitor.get('/fixup-and-log/')
    t.equal(facts['Your visits'], '1')
    t.equal((await visitor.get('/fixup-and-log/?do=fail')).status, 503)
    const after = await visitor.get('/fixup-and-log/')
    t.match(after.facts['Logged before'], /^GET 503 \d+\.\d ms\nGET 200 \d+\.\d ms/)
  },
)

t.test('three levels: options are set, overridden and taken back; handler and session are inherited', async t => {
  const visitor = new Visitor(await publicHtml(t))
  let visits = 0
  for (const [url, colour, shape] of [
    ['/level1/', 'red', 'circle'],
    ['/level1/level2/', 'green', 'circle'],
    ['/level1/level2/level3/', '–', '–'],
    ['/level1/level2/plain/', 'green', 'circle'],
  ] as const)
    t.same((await visitor.get(url)).facts, { 'You are at': url, colour, shape, 'Your visits': String(++visits) })
  t.match((await visitor.get('/level1/level2/plain/note.txt')).headers['content-type'], 'text/plain')
})

t.test('form: input is kept across the redirect, escaped, and an empty one is not', async t => {
  const visitor = new Visitor(await publicHtml(t))
  const before = await visitor.get('/form/')
  t.equal(before.headers['set-cookie'], undefined, 'who only looks gets no session')
  const posted = await visitor.post('/form/', 'wish=more+%3Cb%3Etea%3C%2Fb%3E')
  t.equal(posted.status, 302)
  t.match(posted.headers.location, /\/form\/$/)
  await visitor.post('/form/', 'wish=+')
  const { body, facts } = await visitor.get('/form/')
  t.equal(facts['Your last wishes'], 'more <b>tea</b>')
  t.notMatch(body, '<b>tea')
})

t.test('upload: what came is told, nothing of it stays, and too much is refused', async t => {
  const app = await publicHtml(t)
  const files = ['one', '<two>'].map(content => ({
    name: 'files',
    filename: `${content}.txt`,
    type: 'text/plain',
    content,
  }))
  const sent = async (parts: typeof files) => {
    const answer = await app.inject({ ...multipartPost(parts), url: '/upload/' })
    return { status: answer.statusCode, facts: factsOf(answer.body) }
  }
  t.same((await sent(files)).facts, {
    'one.txt': `text/plain, 3 bytes, SHA-256 ${sha256('one')}`,
    '&#60;two&#62;.txt': `text/plain, 5 bytes, SHA-256 ${sha256('<two>')}`,
  })
  t.equal((await sent([...files, ...files])).status, 413)
  t.equal((await sent([{ ...files[0]!, content: 'x'.repeat(1 << 20) }])).status, 413)
  await until(() => uploadsIn(app.stateDirectory).length === 0)
  t.same(readdirSync(join(root, 'upload')).sort(), ['.psoaccess', 'handler.ts'])
})

t.test('service request: one click each', async t => {
  const app = await publicHtml(t)
  const visitor = new Visitor(app)
  const page = '/service-request/'
  t.equal((await visitor.get(`${page}?do=header`)).headers['x-flavour'], 'ginger')
  t.match(cookieOf((await visitor.get(`${page}?do=cookie`)).headers), 'flavour=ginger; Max-Age=60; Path=/')
  t.equal((await visitor.get(page)).facts['Cookie “flavour”'], 'ginger')
  const redirected = await visitor.get(`${page}?do=redirect`)
  t.equal(redirected.status, 302)
  t.match(redirected.headers.location, /\/service-request\/\?from=here$/)
  t.equal((await visitor.get(`${page}?from=here`)).facts['Input “from”'], 'here')
  t.equal((await visitor.get(`${page}?do=status`)).status, 410)
  await visitor.get(`${page}?do=log`)
  t.match(readFileSync(join(app.stateDirectory, 'examples.log'), 'utf8'), 'somebody would like ginger')
})

t.test('downloads: the listing shows the files and nothing else', async t => {
  const visitor = new Visitor(await publicHtml(t))
  const { body } = await visitor.get('/downloads/')
  t.same(
    [...body.matchAll(/href="\.\/([^"]+)"/g)].map(([, name]) => name),
    ['http-dates.csv', 'quick-start.txt'],
  )
  t.match((await visitor.get('/downloads/http-dates.csv')).headers['content-type'], 'text/csv')
})

t.test('installation example: run from its directory it prints the how-to’s lines', async t => {
  const directory = join(root, 'psotest')
  t.equal(realpathSync(join(directory, 'test.cgi')), join(realpathSync(directory), 'testHandler.ts'))
  const own = plantSite(t, {}, `DocumentRoot = "${root}"`)
  plantPso(join(own, 'bin'))
  const env = { PATH: `${join(own, 'bin')}:${process.env['PATH']}`, PSO_CONFIG: join(own, 'conf/server.ini') }
  const { exit, head, body, errors } = await runProgram(t, ['./test.cgi'], { under: [], cwd: directory, env })
  t.same([exit, body, errors], [0, 'hello world\n', ''])
  t.match(head.join('\n'), /^Set-Cookie: MyPSOTest=[\w-]{27}; .*\nContent-Type: text\/html; charset=utf-8$/ms)
})

t.test('installation example: the listing leads to the program, which the server runs', async t => {
  const visitor = new Visitor(await publicHtml(t))
  t.match((await visitor.get('/psotest/')).body, 'href="./test.cgi"')
  const { status, body } = await visitor.get('/psotest/test.cgi')
  t.same([status, body], [200, 'hello world\n'])
  t.same(visitor.jar.names, ['MyPSOTest'])
})

const ini = join(project, 'conf/server.ini')

t.test('pso check finds no mistake in the site and its server.ini', async t => {
  const { status, stdout } = spawnSync(process.execPath, [cli, 'check', '--config', ini], {
    cwd: project,
    encoding: 'utf8',
  })
  t.same([status, stdout], [0, 'no mistakes found\n'])
})

t.test('what server.ini comments out is the default', async t => {
  const lines = readFileSync(ini, 'utf8').split('\n')
  const commented = lines.map(line => line.replace(/^#(?=\w+ = |\w+ =$)/, '')).filter(line => /^\w/.test(line))
  const plain = commented.filter(line => !['Workers', 'AllowOverride = None'].some(start => line.startsWith(start)))
  t.ok(plain.length > 15)
  const file = join(t.testdir({ public_html: {}, conf: { 'server.ini': plain.join('\n') } }), 'conf/server.ini')
  const read = readServerConfig({ file, environment: {}, cwd: project })
  const defaults = readServerConfig({ environment: {}, cwd: join(file, '../..') })
  const { StateDirectory, AccessLog, ErrorLog, DocumentRoot, ...others } = read.directives
  t.match(defaults.directives, others)
  t.match(AccessLog, { path: join(defaults.stateDirectory, 'access.log') })
  t.match(ErrorLog, { type: 'stderr' })
  t.equal(StateDirectory, defaults.stateDirectory)
  t.equal(DocumentRoot, defaults.documentRoot)
})
