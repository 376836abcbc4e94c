import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { counter, does, visit } from '../../support/handlers.ts'
import { apacheVariables, type Printed, plantSite, psoCgi, runProgram, startProgram } from '../../support/program.ts'
import { plant, type Tree } from '../../support/site.ts'

/** Runs `test.ts` of a site's `shop`, for what Apache says. */
async function asked(
  t: Test,
  handler: string,
  url = '/shop/test.ts',
  { more = {}, input = '', tree = {}, options = [] as string[] } = {} as {
    more?: Record<string, string>
    input?: string | Buffer
    tree?: Tree
    options?: string[]
  },
): Promise<Printed & { top: string }> {
  const top = plantSite(t, { shop: { 'test.ts': handler, ...tree } })
  const args = [...psoCgi(...options), join(top, 'public_html/shop/test.ts')]
  return { top, ...(await runProgram(t, args, { env: apacheVariables('/shop/test.ts', url, more), input })) }
}

const cookieOf = ({ head }: Printed): string | undefined =>
  head.map(line => /^Set-Cookie: ([^;]+)/.exec(line)?.[1]).find(found => found !== undefined)

t.test('check 34: the variables of CGI are the web server’s', async t => {
  const says = does(
    'const p = req.pso(); return ["REQUEST_METHOD","PATH_INFO","SCRIPT_NAME","QUERY_STRING","REQUEST_URI","HTTP_HOST","SSL_CIPHER","COLOUR","MINE"].map(key => p.getEnviron(key, null)).concat(req.method, req.uri, req.args, req.pathInfo, req.hostname, req.remoteIp, req.user, req.authType, req.protocol)',
  )
  const { body, exit } = await asked(t, says, '/shop/test.ts/cart/2?a=%20b', {
    more: { SSL_CIPHER: 'x', COLOUR: 'red', REMOTE_USER: 'ann', AUTH_TYPE: 'Basic', MINE: '1' },
    tree: { '.psoaccess': 'SetEnv = COLOUR blue' },
  })
  t.equal(exit, 0)
  t.same(JSON.parse(body), [
    ...['GET', '/cart/2', '/shop/test.ts', 'a=%20b', '/shop/test.ts/cart/2?a=%20b', 'shop.test:8080', 'x', 'blue', '1'],
    ...['GET', '/shop/test.ts/cart/2', 'a=%20b', '/cart/2', 'shop.test', '127.0.0.1', 'ann', 'Basic', 'HTTP/1.1'],
  ])
})

t.test('in a shell they are those of a GET of the program', async t => {
  const says = does(
    'const p = req.pso(); return ["REQUEST_METHOD","PATH_INFO","SCRIPT_NAME","QUERY_STRING","REMOTE_USER"].map(key => p.getEnviron(key, null)).concat(req.remoteIp, p.serviceUrl())',
  )
  const top = plantSite(t, { shop: { 'test.ts': says } })
  const { body } = await runProgram(t, [...psoCgi(), join(top, 'public_html/shop/test.ts')])
  t.same(JSON.parse(body), ['GET', null, '/shop/test.ts', '', null, '127.0.0.1', 'http://localhost/shop/test.ts'])
})

for (const [more, expected] of [
  [{}, 'http://shop.test:8080'],
  [{ HTTPS: 'on' }, 'https://shop.test:8080'],
  [{ HTTP_HOST: '', SERVER_PORT: '81' }, 'http://shop.test:81'],
  [{ HTTP_HOST: '', SERVER_PORT: '80' }, 'http://shop.test'],
] as [Record<string, string>, string][])
  t.test(`URLs for ${JSON.stringify(more)}`, async t => {
    const says = does(
      'const p = req.pso(); return [p.serviceUrl(), p.serviceUrl("x"), p.baseUrl(), p.pageUrl("y"), p.getUrl().href]',
    )
    const { body } = await asked(t, says, '/shop/test.ts/cart?a=1', { more })
    t.same(JSON.parse(body), [
      `${expected}/shop/test.ts`,
      `${expected}/shop/test.ts/x`,
      `${expected}/shop/test.ts/`,
      `${expected}/shop/test.ts/y`,
      `${expected}/shop/test.ts/cart?a=1`,
    ])
  })

t.test('the head: status, headers and cookies, and no body where there is none', async t => {
  for (const [handler, head, body] of [
    [
      'req.pso().setStatus(404); return "own page"',
      ['Status: 404 Not Found', 'Content-Length: 8', 'Content-Type: text/html; charset=utf-8'],
      'own page',
    ],
    ['req.pso().sendStatus(204)', ['Status: 204 No Content'], ''],
    [
      'req.pso().redirect("/elsewhere")',
      ['Status: 302 Found', 'Location: /elsewhere', /^Content-Length/, /^Content-Type/],
      '',
    ],
    [
      'req.pso().redirect("http://x.test/", true)',
      ['Status: 301 Moved Permanently', 'Location: http://x.test/', /^Content-Length/, /^Content-Type/],
      '',
    ],
    [
      'req.headersOut.add("X-A", "1"); req.headersOut.add("x-a", "2"); req.pso().setCookie("c", "a b; d"); return { ok: 1 }',
      [
        'X-A: 1',
        'X-A: 2',
        'Set-Cookie: c=a%20b%3B%20d; Path=/',
        'Content-Length: 8',
        'Content-Type: application/json; charset=utf-8',
      ],
      '{"ok":1}',
    ],
    [
      'req.internalRedirect("/other?a=1")',
      ['Location: /other?a=1', 'Content-Length: 0', 'Content-Type: text/html; charset=utf-8'],
      '',
    ],
  ] as [string, (string | RegExp)[], string][]) {
    const printed = await asked(t, does(handler))
    t.equal(printed.exit, 0, handler)
    t.equal(printed.head.length, head.length, handler)
    for (const line of head)
      t.ok(
        printed.head.some(one => (typeof line === 'string' ? one === line : line.test(one))),
        `${handler}: ${line}`,
      )
    t.equal(printed.head[0], head[0])
    if (!handler.includes('redirect')) t.equal(printed.body, body)
  }
})

t.test('HEAD has no body', async t => {
  const { head, body } = await asked(t, does('return "page"'), '/shop/test.ts', { more: { REQUEST_METHOD: 'HEAD' } })
  t.same([head.length, body], [2, ''])
})

t.test('forms: of the query and of a body, together', async t => {
  const says = does('const p = req.pso(); return [p.getInputs("a"), p.getInput("b"), p.hasInputs("a", "z", "b")]')
  const got = await asked(t, says, '/shop/test.ts?a=1&a=2&b=3')
  t.same(JSON.parse(got.body), [['1', '2'], '3', ['a', 'b']])
  const input = 'a=2&b=%C3%A4+x'
  const more = {
    REQUEST_METHOD: 'POST',
    CONTENT_TYPE: 'application/x-www-form-urlencoded',
    CONTENT_LENGTH: String(input.length),
  }
  const posted = await asked(t, says, '/shop/test.ts?a=1', { more, input })
  t.same(JSON.parse(posted.body), [['1', '2'], 'ä x', ['a', 'b']])
})

t.test('a body of 1 MiB arrives whole, one over the limit is 413, half of one is 400', async t => {
  const says = does('return String(req.pso().getInput("a").length)')
  const input = `a=${'x'.repeat(1 << 20)}`
  const post = (length: number) => ({
    REQUEST_METHOD: 'POST',
    CONTENT_TYPE: 'application/x-www-form-urlencoded',
    CONTENT_LENGTH: String(length),
  })
  t.equal((await asked(t, says, '/shop/test.ts', { more: post(input.length), input })).body, String(1 << 20))
  const tree = { '.psoaccess': '' }
  const small = plantSite(t, { shop: { 'test.ts': says, ...tree } }, 'LimitRequestBody = 1000')
  const file = join(small, 'public_html/shop/test.ts')
  const env = apacheVariables('/shop/test.ts', '/shop/test.ts', post(input.length))
  t.equal((await runProgram(t, [...psoCgi(), file], { env, input })).head[0], 'Status: 413 Payload Too Large')
  const half = await asked(t, says, '/shop/test.ts', { more: post(input.length), input: 'a=1' })
  t.equal(half.head[0], 'Status: 400 Bad Request')
})

t.test('check 36: an error is one well-formed 500, exit 1, with the traceback on standard error alone', async t => {
  for (const handler of [
    'req.write("partial"); throw new Error("boom")',
    'setTimeout(() => { throw new Error("boom") }); await new Promise(resolve => setTimeout(resolve, 100000))',
    'Promise.reject(new Error("boom")); await new Promise(resolve => setTimeout(resolve, 100000))',
  ]) {
    const { exit, head, body, errors } = await asked(t, does(handler))
    t.equal(exit, 1)
    t.equal(head[0], 'Status: 500 Internal Server Error', handler)
    t.match(body, /^<!doctype html>[\s\S]*<\/html>\n$/i)
    t.notMatch(body, /partial|boom|test\.ts/)
    t.match(errors, /\[error\] .*500: .*boom, .*public_html\/shop\/test\.ts:\d/)
    t.match(errors, /Error: boom\n {4}at /)
  }
})

t.test('in development the page shows it, to a client on this machine', async t => {
  const handler = does('throw new Error("boom")')
  const here = await asked(t, handler, '/shop/test.ts', { options: ['--dev'] })
  t.match(here.body, /Error: boom, .*test\.ts:/)
  const there = await asked(t, handler, '/shop/test.ts', { options: ['--dev'], more: { REMOTE_ADDR: '192.0.2.1' } })
  t.notMatch(there.body, 'boom')
  t.match(there.errors, 'boom')
})

t.test('what does not load, does not exist, or has no handler is such an error too', async t => {
  for (const [handler, message] of [
    ['export const x: = 1', /does not load/],
    ['import "./missing.ts"', /does not load/],
    ['export const x = 1', /expected the function handler in .*test\.ts, it exports no function/],
  ] as const) {
    const { exit, head, errors } = await asked(t, handler)
    t.same([exit, head[0]], [1, 'Status: 500 Internal Server Error'], handler)
    t.match(errors, message)
  }
  const missing = await runProgram(t, [...psoCgi(), '/missing/x.ts'])
  t.same([missing.exit, missing.head[0]], [1, 'Status: 500 Internal Server Error'])
})

t.test('a handler that waits for nothing is an error, and so is process.exit', async t => {
  const never = await asked(t, does('await new Promise(() => {})'))
  t.same([never.exit, never.head[0]], [1, 'Status: 500 Internal Server Error'])
  t.match(never.errors, /test\.ts::handler never ends/)
  const exits = await asked(t, does('req.write("x"); process.exit(0)'))
  t.same([exits.exit, exits.head[0]], [1, 'Status: 500 Internal Server Error'])
  t.match(exits.errors, /process\.exit\(0\) was called/)
})

t.test('what a handler leaves running does not keep the program', async t => {
  const { exit, body } = await asked(t, does('setInterval(() => {}, 1000); return "done"'))
  t.same([exit, body], [0, 'done'])
})

t.test('standard output is the answer’s alone', async t => {
  const { body, errors } = await asked(
    t,
    `import { writeSync } from 'node:fs'\nconsole.log('top')\nconst { info } = console\n${does('console.log("log"); info("info"); console.table([1]); process.stdout.write("raw"); return "page"')}`,
  )
  t.equal(body, 'page')
  for (const text of ['top', 'log', 'info', 'index', 'raw']) t.match(errors, text)
})

t.test('output: flush, generators; text is sent as it comes', async t => {
  const flushed = await asked(t, does('req.write("a"); await req.flush(); req.write("b"); return "c"'))
  t.same([flushed.exit, flushed.head, flushed.body], [0, ['Content-Type: text/html; charset=utf-8'], 'abc'])
  const generated = await asked(
    t,
    'export async function* handler() { yield "1"; yield new Uint8Array([0, 255]); yield "3" }',
  )
  t.equal(generated.exit, 0)
  t.equal(generated.body.length, 4)
})

t.test('an error after a flush ends the answer where it is, exit 1', async t => {
  const { exit, body, errors } = await asked(t, does('req.write("a"); await req.flush(); throw new Error("boom")'))
  t.same([exit, body], [1, 'a'])
  t.match(errors, 'boom')
})

t.test('error documents: a text and a URL are answered, a path is the web server’s', async t => {
  const answered = async (document: string) =>
    asked(t, does('req.pso().sendStatus(404)'), '/shop/test.ts', {
      tree: { '.psoaccess': `ErrorDocument = 404 ${document}` },
    })
  t.equal((await answered('"not here"')).body, 'not here')
  t.same((await answered('http://x.test/')).head.slice(0, 2), ['Status: 302 Found', 'Location: http://x.test/'])
  const path = await answered('/missing.html')
  t.equal(path.head[0], 'Status: 404 Not Found')
  t.match(path.body, '404 Not Found')
})

t.test('phases: fixup, log, cleanup and cleanups of the directory run, access phases do not', async t => {
  const trace = (name: string): string =>
    `export const ${name} = (req: any) => { console.error('phase ${name}', req.status) }`
  const phases = ['headerparser', 'access', 'authen', 'authz', 'fixup', 'log', 'cleanup']
  const { errors, body } = await asked(
    t,
    does('req.registerCleanup(() => console.error("phase registered")); return req.pso().getEnviron("PSOLog", "none")'),
    '/shop/test.ts',
    {
      tree: {
        'phases.ts': phases.map(trace).join('\n'),
        '.psoaccess': [
          'Require = all denied',
          ...['HeaderParser', 'Access', 'Authen', 'Authz', 'Log', 'Cleanup'].map(
            name => `PSO${name}Handler = phases.ts::${name.toLowerCase()}`,
          ),
          'PSOFixupHandler = pso::fixup phases.ts::fixup',
        ].join('\n'),
      },
    },
  )
  t.equal(body, 'none')
  t.same(errors.match(/phase \w+/g), ['phase fixup', 'phase log', 'phase registered', 'phase cleanup'])
})

t.test('a mistake in .psoaccess, above or beside, is 500; its place is on standard error alone', async t => {
  for (const [tree, file] of [
    [{ shop: { '.psoaccess': 'Nonsense = 1', 'test.ts': counter } }, 'public_html/shop/.psoaccess:1'],
    [{ '.psoaccess': 'PSOSessionExpire = soon', shop: { 'test.ts': counter } }, 'public_html/.psoaccess:1'],
  ] as [Tree, string][]) {
    const top = plantSite(t, tree)
    const { exit, head, body, errors } = await runProgram(t, [...psoCgi(), join(top, 'public_html/shop/test.ts')])
    t.same([exit, head[0]], [1, 'Status: 500 Internal Server Error'])
    t.notMatch(body, 'psoaccess')
    t.match(errors, `${file}: `)
  }
})

t.test('a server.ini that cannot be used is 500 with headers, whatever is wrong with it', async t => {
  for (const [ini, message] of [
    ['Nonsense = 1', /server\.ini:2: Nonsense/],
    ['DocumentRoot = missing', /server\.ini:2: DocumentRoot/],
    ['StateDirectory = /dev/null/x', /the state directory cannot be made/],
  ] as const) {
    const top = plantSite(t, { 'test.ts': counter }, ini)
    const { exit, head, body, errors } = await runProgram(t, [...psoCgi(), join(top, 'public_html/test.ts')])
    t.same([exit, head], [1, ['Status: 500 Internal Server Error', 'Content-Type: text/html; charset=utf-8']])
    t.match(body, '500 Internal Server Error')
    t.notMatch(body, ini)
    t.match(errors, message)
  }
  const env = { PSO_CONFIG: '/missing/server.ini' }
  const top = plantSite(t, { 'test.ts': counter })
  const { exit, errors } = await runProgram(t, [...psoCgi(), join(top, 'public_html/test.ts')], { env })
  t.same([exit, errors], [1, 'pso: /missing/server.ini: there is no such file (PSO_CONFIG)\n'])
})

t.test('sessions: the counter counts over runs, and its cookie has the name of the service', async t => {
  const top = plantSite(t, { shop: { 'test.ts': counter, '.psoaccess': '' } })
  const file = join(top, 'public_html/shop/test.ts')
  const run = (more: Record<string, string> = {}, args = psoCgi()) =>
    runProgram(t, [...args, file], { env: apacheVariables('/shop/test.ts', '/shop/test.ts', more) })
  const first = await run()
  const cookie = cookieOf(first)!
  t.match(cookie, /^localhost\.shop\.test=/)
  t.equal(visit(first.body), 1)
  t.ok(existsSync(join(top, '.pso/sessions')))
  for (const number of [2, 3]) {
    const again = await run({ HTTP_COOKIE: cookie })
    t.same([visit(again.body), cookieOf(again)], [number, undefined])
  }
  const failing = plantSite(t, { 'test.ts': does('req.pso().session.a = () => 1') })
  const { exit, head, errors } = await runProgram(t, [...psoCgi(), join(failing, 'public_html/test.ts')])
  t.same([exit, head[0]], [1, 'Status: 500 Internal Server Error'], 'a save that fails is no 200')
  t.match(errors, 'session.a')
})

t.test('variables of the web server count as directives of their name, where those are not set', async t => {
  const says = does(
    'const p = req.pso(); p.session.a = 1; p.log("a line"); return [p.getServiceId(), p.getEnviron("PSOServiceId")]',
  )
  const variables = { PSOServiceId: 'MyPSOTest', PSOLog: 'own.log', PSOSessionExpire: '15*60' }
  const set = await asked(t, says, '/shop/test.ts', { more: variables })
  t.match(cookieOf(set), /^MyPSOTest=/)
  t.match(set.head.join('\n'), /MyPSOTest=.*; (?:Max-Age=900|Expires=)/i)
  t.match(readFileSync(join(set.top, '.pso/own.log'), 'utf8'), / a line\n$/)
  for (const line of ['PSOServiceId = Own', 'SetEnv = PSOServiceId Own']) {
    const own = await asked(t, says, '/shop/test.ts', { more: variables, tree: { '.psoaccess': line } })
    t.match(cookieOf(own), /^Own=/, line)
  }
  const wrong = await asked(t, says, '/shop/test.ts', { more: { PSOSessionExpire: 'soon' } })
  t.same([wrong.exit, wrong.head[0]], [1, 'Status: 500 Internal Server Error'])
  t.match(wrong.errors, '(environment):1: PSOSessionExpire: expected')
  const hostile = await asked(t, says, '/shop/test.ts', { more: { PSOServiceId: 'x"\nPSOLog = y', HTTP_PSOLOG: 'z' } })
  t.equal(hostile.exit, 0, 'what no line can hold is no directive')
})

t.test('memory: is refused, since each request has a process of its own', async t => {
  const { exit, errors } = await asked(t, counter, '/shop/test.ts', {
    tree: { '.psoaccess': 'PSOSessionLoader = memory:' },
  })
  t.equal(exit, 1)
  t.match(errors, /\.psoaccess:1: PSOSessionLoader: expected file: where each request is a process, got memory:/)
})

t.test('the nearest conf/server.ini upwards from the file as it is named, else PSO_CONFIG’s, else none', async t => {
  const says = does(
    'req.pso().session.a = 1; return [req.documentRoot(), req.filename, req.options.which, req.pso().getServiceId()]',
  )
  const top = plantSite(t, { '.psoaccess': 'PSOOption = which here', shop: { 'test.ts': says } })
  const other = plantSite(t, { '.psoaccess': 'PSOOption = which other' })
  const elsewhere = t.testdir({})
  const run = async (file: string, env: Record<string, string> = {}) => {
    const printed = await runProgram(t, [...psoCgi(), file], { env: { TMPDIR: elsewhere, ...env } })
    return printed.exit === 0 ? JSON.parse(printed.body) : printed.errors
  }
  const root = join(top, 'public_html')
  const file = join(root, 'shop/test.ts')
  t.same(await run(file), [root, file, 'here', 'localhost.shop.test'])

  const linked = join(other, 'public_html/a.cgi')
  symlinkSync(file, linked)
  t.same(
    await run(linked),
    [join(other, 'public_html'), linked, 'other', 'localhost.a'],
    'a link configures where it lies',
  )

  const outside = { PSO_CONFIG: join(other, 'conf/server.ini') }
  t.same(await run(file, outside), [join(root, 'shop'), file, null, 'localhost.test'], 'outside of that document root')

  symlinkSync(root, join(elsewhere, 'link'))
  const through = join(elsewhere, 'link/shop/test.ts')
  t.same(
    await run(through, { PSO_CONFIG: join(top, 'conf/server.ini') }),
    [root, file, 'here', 'localhost.shop.test'],
    'by a link to the document root',
  )
})

t.test(
  'without a server.ini the state is in a directory of the user’s own, and never where the program lies',
  async t => {
    const top = plantSite(t, {})
    plant(join(top, '../', `pso-test-bare-${process.pid}`), { 'test.ts': counter })
    const bare = join(top, '../', `pso-test-bare-${process.pid}`)
    t.teardown(() => import('node:fs').then(({ rmSync }) => rmSync(bare, { recursive: true })))
    const temporary = t.testdir({ planted: {} })
    const run = (TMPDIR: string) => runProgram(t, [...psoCgi(), join(bare, 'test.ts')], { env: { TMPDIR } })
    const { exit, head } = await run(temporary)
    t.equal(exit, 0)
    t.match(head[0], /^Set-Cookie: localhost\.test=/)
    const state = join(temporary, `pso-${process.getuid!()}`)
    t.equal(statSync(state).mode & 0o777, 0o700)
    t.same((await import('node:fs')).readdirSync(bare), ['test.ts'])

    writeFileSync(join(temporary, 'planted', `pso-${process.getuid!()}`), '')
    const refused = await run(join(temporary, 'planted'))
    t.same([refused.exit, refused.head[0]], [1, 'Status: 500 Internal Server Error'])
    t.match(refused.errors, 'StateDirectory')
  },
)

t.test('SIGTERM while a handler works: its signal aborts, the session is saved, exit 1', async t => {
  const handler = does(`
    const { session } = req.pso()
    session.visits = (session.visits ?? 0) + 1
    req.write(String(session.visits))
    if (req.args === 'wait') {
      await req.flush()
      const hold = setTimeout(() => {}, 100000)
      await new Promise(resolve => req.signal.addEventListener('abort', resolve))
      clearTimeout(hold)
      session.visits += 10
    }`)
  const top = plantSite(t, { 'test.ts': handler, '.psoaccess': 'PSOSessionId = everybody' })
  const file = join(top, 'public_html/test.ts')
  const env = apacheVariables('/test.ts', '/test.ts?wait')
  const waiting = startProgram(t, [...psoCgi(), file], { env })
  await new Promise(resolve => waiting.output.once('readable', resolve))
  waiting.kill('SIGTERM')
  t.equal((await waiting.printed).exit, 1)
  const after = await runProgram(t, [...psoCgi(), file], { env: apacheVariables('/test.ts', '/test.ts') })
  t.equal(after.body, '12')

  const gone = startProgram(t, [...psoCgi(), file], { env, keepsOutput: true })
  await new Promise(resolve => gone.output.once('readable', resolve))
  gone.kill('SIGKILL')
  t.equal((await gone.printed).exit, 'SIGKILL')
  const next = await runProgram(t, [...psoCgi(), file], { env: apacheVariables('/test.ts', '/test.ts') })
  t.equal(next.body, '13', 'what a killed one held is taken over, what it had not saved is not there')
})

t.test('a reader that goes away ends the program; the session is saved', async t => {
  const handler = does(`
    const { session } = req.pso()
    session.visits = (session.visits ?? 0) + 1
    if (req.args !== 'much') return String(session.visits)
    for (;;) {
      req.write('x'.repeat(100000))
      await req.flush()
    }`)
  const top = plantSite(t, { 'test.ts': handler, '.psoaccess': 'PSOSessionId = everybody' })
  const file = join(top, 'public_html/test.ts')
  const gone = startProgram(t, [...psoCgi(), file], {
    env: apacheVariables('/test.ts', '/test.ts?much'),
    keepsOutput: true,
  })
  await new Promise(resolve => gone.output.once('readable', resolve))
  gone.output.destroy()
  t.equal((await gone.printed).exit, 1)
  t.equal((await runProgram(t, [...psoCgi(), file], { env: apacheVariables('/test.ts', '/test.ts') })).body, '2')
})

t.test('a slow reader holds the handler', async t => {
  const handler = does(`
    for (let piece = 0; piece < 100; piece++) {
      req.write('x'.repeat(100000))
      await req.flush()
      console.error('flushed')
    }`)
  const top = plantSite(t, { 'test.ts': handler })
  const slow = startProgram(t, [...psoCgi(), join(top, 'public_html/test.ts')], { keepsOutput: true })
  await new Promise(resolve => slow.output.once('readable', resolve))
  let size = 0
  for await (const chunk of slow.output) {
    size += chunk.length
    if (size < 500_000) await new Promise(resolve => setImmediate(resolve))
  }
  t.equal((await slow.printed).exit, 0)
  t.equal(size, 100 * 100_000 + 'Content-Type: text/html; charset=utf-8\n\n'.length)
})

t.test(
  'a body that comes slowly gives its handler more time than PSOHandlerTimeout; one that stops is 503',
  async t => {
    const top = plantSite(t, {
      '.psoaccess': 'PSOHandlerTimeout = 1\nPSOInput = off',
      'test.ts': does('return String((await req.read()).length)'),
    })
    const env = apacheVariables('/test.ts', '/test.ts', { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '10' })
    const start = () => startProgram(t, [...psoCgi(), join(top, 'public_html/test.ts')], { env })
    const slow = start()
    const stops = start()
    stops.input.write('x')
    for (let sent = 0; sent < 10; sent++) {
      slow.input.write('x')
      await new Promise(resolve => setTimeout(resolve, 400))
    }
    stops.input.end()
    t.equal((await slow.printed).body, '10')
    t.equal((await stops.printed).head[0], 'Status: 503 Service Unavailable')
  },
)

t.test('Timeout is no limit for a program', async t => {
  const top = plantSite(
    t,
    {
      '.psoaccess': '',
      'test.ts': does('await new Promise(resolve => setTimeout(resolve, 2200)); return "patient"'),
    },
    'Timeout = 1',
  )
  const { printed } = startProgram(t, [...psoCgi(), join(top, 'public_html/test.ts')], {})
  t.equal((await printed).body, 'patient')
})

t.test('a large answer arrives whole, though the program ends with it', async t => {
  const { exit, body } = await asked(t, does('return "x".repeat(1 << 22)'))
  t.same([exit, body.length], [0, 1 << 22])
})
