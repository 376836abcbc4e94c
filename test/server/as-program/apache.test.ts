import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { does, Jar, visit } from '../../support/handlers.ts'
import { makeExecutable, psoCgi, runProgram } from '../../support/program.ts'
import { apache } from '../../support/services/apache.ts'
import { plant, site } from '../../support/site.ts'
import { dial, head } from '../../support/wire.ts'

/** One file for all ways: a module, a program of ours and of Apache's, and in a shell. */
const testHandler = `#!/usr/bin/env -S pso cgi
import { OK, type Request, ServiceHandler } from 'pso'

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  req.write(\`Hello World! ~ Your visit number: \${session.visits} ~ Try Reload!\\n\`)
  return OK
}

if (import.meta.main) await new ServiceHandler(handler).run()
`

/** Answers by what the query's \`do\` asks for. */
const anything = `#!/usr/bin/env -S pso cgi
${does(`
  const service = req.pso()
  const { session } = service
  session.visits = (session.visits ?? 0) + 1
  const wanted = service.getInput('do')
  if (wanted === 'redirect') service.redirect(service.serviceUrl('', { from: 'here' }))
  if (wanted === 'forever') service.redirect('/elsewhere', true)
  if (wanted === 'inside') req.internalRedirect('/psotest/plain.txt')
  if (wanted === 'status') service.sendStatus(404)
  if (wanted === 'own') { service.setStatus(418); return 'a teapot' }
  if (wanted === 'fail') throw new Error('boom')
  if (wanted === 'log') service.log('a line of its own')
  if (wanted === 'wait') {
    try {
      for (;;) {
        req.write('waits')
        await req.flush()
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    } finally {
      session.aborted = req.signal.aborted
    }
  }
  if (wanted === 'stream') return (async function* () { for (let i = 0; i < 40; i++) yield String(i % 10).repeat(50000) })()
  return { method: req.method, pathInfo: req.pathInfo, args: req.args ?? null, a: service.getInputs('a'), visits: session.visits,
    aborted: session.aborted ?? null, url: service.serviceUrl(), agent: service.getEnviron('HTTP_USER_AGENT', null),
    filename: req.filename, type: req.headersIn.get('content-type') ?? null, proxy: req.headersIn.get('proxy') ?? null }`)}`

const htaccess = 'Options ExecCGI Indexes\nAddHandler cgi-script .cgi\nSetEnv PSOServiceId MyPSOTest\n'

function plantSite(directory: string): void {
  plant(directory, {
    conf: { 'server.ini': 'LimitRequestBody = 4000000\n' },
    public_html: {
      psotest: {
        '.htaccess': htaccess,
        '.psoaccess': 'PSOLog = own.log\n',
        'testHandler.ts': testHandler,
        'anything.cgi': anything,
        'plain.txt': 'a plain file',
      },
    },
  })
  const psotest = join(directory, 'public_html/psotest')
  for (const name of ['testHandler.ts', 'anything.cgi']) makeExecutable(join(psotest, name))
  linkSync(join(psotest, 'testHandler.ts'), join(psotest, 'test.cgi'))
}

interface Answer {
  readonly status: number
  readonly headers: { 'set-cookie'?: string[] | undefined; location?: string | undefined }
  readonly body: string
}

/** Asks Apache; as fetch does, but that nothing is followed. */
function ask(url: string, { method = 'GET', headers = {}, body = '' as string | Buffer } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: String(Buffer.concat(chunks)) }),
      )
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

t.test('one file, unchanged: a module and a program of our server, a program of Apache, and in a shell', async t => {
  const expected = 'Hello World! ~ Your visit number: 1 ~ Try Reload!\n'
  const app = await site(t, {
    psotest: { '.psoaccess': 'PSOHandler = testHandler.ts', 'testHandler.ts': testHandler },
  })
  t.equal((await app.inject('/psotest/')).body, expected, 'as a module')

  const programs = await site(t, {
    psotest: {
      '.psoaccess': 'Options = ExecCGI\nAddHandler = cgi-script .cgi\nSetEnv = PSOServiceId MyPSOTest',
      'testHandler.ts': testHandler,
    },
  })
  makeExecutable(join(programs.root, 'psotest/testHandler.ts'))
  linkSync(join(programs.root, 'psotest/testHandler.ts'), join(programs.root, 'psotest/test.cgi'))
  const run = await programs.inject('/psotest/test.cgi')
  t.same([run.statusCode, run.body], [200, expected], 'as .cgi by our server')
  t.match(run.headers['set-cookie'], /^MyPSOTest=/)

  const own = t.testdir()
  plantSite(own)
  const psotest = join(own, 'public_html/psotest')
  for (const file of ['test.cgi', 'testHandler.ts']) {
    const shell = await runProgram(t, [...psoCgi(), file], { cwd: psotest })
    t.same([shell.exit, shell.body], [0, expected], 'in a shell')
  }

  const server = await apache(t, plantSite)
  if (server === undefined) return
  const answer = await ask(`${server.url}/psotest/test.cgi`)
  t.same([answer.status, answer.body], [200, expected], 'as .cgi by Apache')
  t.match(answer.headers['set-cookie'], [/^MyPSOTest=/])
})

t.test('Apache runs it', async t => {
  const server = await apache(t, plantSite)
  if (server === undefined) return
  const at = `${server.url}/psotest/anything.cgi`

  t.test('the session counts over requests, by its cookie', async t => {
    const jar = new Jar()
    for (const number of [1, 2, 3]) {
      const { body, headers } = await ask(`${server.url}/psotest/test.cgi`, { headers: jar.headers })
      t.equal(visit(body), number)
      t.equal(headers['set-cookie']?.length, number === 1 ? 1 : undefined)
      jar.take(headers)
    }
    t.same(jar.names, ['MyPSOTest'])
  })

  t.test('what it is told: path, query, headers, URLs', async t => {
    const headers = { 'user-agent': 'a test', host: 'shop.test:81', proxy: 'evil' }
    const { body } = await ask(`${at}/cart%20x/2?a=1&a=%202`, { headers })
    t.match(JSON.parse(body), {
      method: 'GET',
      pathInfo: '/cart x/2',
      args: 'a=1&a=%202',
      a: ['1', ' 2'],
      url: 'http://shop.test:81/psotest/anything.cgi',
      agent: 'a test',
      proxy: null,
      filename: join(server.directory, 'public_html/psotest/anything.cgi'),
    })
  })

  t.test('forms by POST, with a length and in chunks, of 1 MiB too', async t => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const big = `a=${'x'.repeat(1 << 20)}`
    for (const [body, headers] of [
      ['a=1&a=2', { 'content-length': '7' }],
      ['a=1&a=2', { 'transfer-encoding': 'chunked' }],
      [big, { 'content-length': String(big.length) }],
    ] as [string, Record<string, string>][]) {
      const answer = await ask(at, { method: 'POST', headers: { ...type, ...headers }, body })
      t.equal(answer.status, 200)
      t.same(JSON.parse(answer.body).a, new URLSearchParams(body).getAll('a'))
    }
  })

  t.test('a body over the limit is 413', async t => {
    const body = randomBytes(5_000_000)
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(body.length) }
    t.equal((await ask(at, { method: 'POST', headers, body })).status, 413)
  })

  t.test('check 30: redirects on a first visit have the session’s cookie, and the status that was meant', async t => {
    const first = await ask(`${at}?do=redirect`)
    t.same([first.status, first.headers.location], [302, `${at}?from=here`])
    t.match(first.headers['set-cookie'], [/^MyPSOTest=/])
    const forever = await ask(`${at}?do=forever`)
    t.same([forever.status, forever.headers.location], [301, '/elsewhere'])
  })

  t.test('an internal redirect is Apache’s', async t => {
    const { status, body, headers } = await ask(`${at}?do=inside`)
    t.same([status, body], [200, 'a plain file'])
    t.match(headers['set-cookie'], [/^MyPSOTest=/], 'with the session')
  })

  t.test('statuses', async t => {
    t.equal((await ask(`${at}?do=status`)).status, 404)
    const own = await ask(`${at}?do=own`)
    t.same([own.status, own.body], [418, 'a teapot'])
  })

  t.test('an error is one well-formed 500, and Apache’s log has the traceback', async t => {
    const { status, body } = await ask(`${at}?do=fail`)
    t.equal(status, 500)
    t.match(body, /^<!doctype html>[\s\S]*500 Internal Server Error/)
    t.notMatch(body, 'boom')
    t.match(server.errorLog(), /Error: boom\n {4}at /)
    t.notMatch(server.errorLog(), /malformed header|Premature end/)
  })

  t.test('HEAD, and 2 MB that are streamed', async t => {
    t.same(await ask(at, { method: 'HEAD' }).then(({ status, body }) => [status, body]), [200, ''])
    t.equal((await ask(`${at}?do=stream`)).body.length, 2_000_000)
  })

  t.test('log goes to PSOLog', async t => {
    await ask(`${at}?do=log`)
    t.match(readFileSync(join(server.directory, '.pso/own.log'), 'utf8'), / a line of its own\n$/)
  })

  t.test('a query is no option of the program', async t => {
    const { status, body } = await ask(`${at}?--dev+--nonsense`)
    t.same([status, JSON.parse(body).args], [200, '--dev+--nonsense'])
  })

  t.test('a client that goes away: the handler hears of it, and its session is saved', async t => {
    const jar = new Jar().take((await ask(at)).headers)
    const { cookie } = jar.headers
    const socket = dial(at, head('GET /psotest/anything.cgi?do=wait', `Cookie: ${cookie}`))
    await new Promise<void>(resolve =>
      socket.on('data', chunk => {
        if (String(chunk).includes('waits')) resolve()
      }),
    )
    socket.destroy()
    // it waits for the lock that the other one lets go
    const { aborted, visits } = JSON.parse((await ask(at, { headers: jar.headers })).body)
    t.same([aborted, visits], [true, 3])
  })
})
