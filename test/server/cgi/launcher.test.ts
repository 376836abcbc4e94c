import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { thisProcess } from '../../../session/index.ts'
import { answers, cgiSite, sh } from '../../support/cgi-site.ts'
import { isAlive } from '../../support/processes.ts'
import { serveSite } from '../../support/served-site.ts'
import { until } from '../../support/until.ts'
import { dial, head } from '../../support/wire.ts'

/** What programs have written of themselves. */
const pidIn = (root: string, name: string): number => Number(readFileSync(join(root, name), 'utf8'))
const hasPid = (root: string, name: string): boolean =>
  existsSync(join(root, name)) && /^\d+\n$/.test(readFileSync(join(root, name), 'utf8'))

/** Asks, and goes away when `isTime`. */
async function askAndLeave(url: string, paths: string | readonly string[], isTime: () => boolean): Promise<void> {
  const socket = dial(
    url,
    [paths]
      .flat()
      .map(path => head(`GET ${path}`))
      .join(''),
  )
  socket.on('error', () => {}).resume()
  await until(isTime)
  socket.destroy()
}

t.test('a client that goes away: SIGTERM to the program, then SIGKILL', async t => {
  const app = await cgiSite(t, {
    'polite.cgi': sh('trap "echo ended > term; exit" TERM', 'echo $$ > pid', 'echo; while :; do sleep 0.05; done'),
    'stubborn.cgi': sh('trap "" TERM', 'echo $$ > stubborn', 'echo; while :; do sleep 0.05; done'),
  })
  await askAndLeave(await app.url(), '/polite.cgi', () => hasPid(app.root, 'pid'))
  await until(() => existsSync(join(app.root, 'term')))
  await until(() => !isAlive(pidIn(app.root, 'pid')))
  await askAndLeave(await app.url(), '/stubborn.cgi', () => hasPid(app.root, 'stubborn'))
  await until(() => !isAlive(pidIn(app.root, 'stubborn')))
  t.notMatch(app.errorLog(), / 50[04]: /, 'it is nobody’s failure')
})

t.test('a client that goes away before the turn of an nph- program has come', async t => {
  const app = await cgiSite(t, {
    'first.cgi': sh('echo $$ > first; exec sleep 1000'),
    'nph-behind.cgi': sh('printf "HTTP/1.1 200 OK\\r\\n\\r\\n"; echo $$ > behind; exec sleep 1000'),
  })
  await askAndLeave(
    await app.url(),
    ['/first.cgi', '/nph-behind.cgi'],
    () => hasPid(app.root, 'first') && hasPid(app.root, 'behind'),
  )
  for (const name of ['first', 'behind']) await until(() => !isAlive(pidIn(app.root, name)))
})

t.test('what a program leaves running ends with its request, though it holds the output', async t => {
  const app = await cgiSite(t, {
    'daemon.cgi': answers('sleep 1000 & echo $! > daemon', 'echo done'),
    'quiet.cgi': answers('sleep 1000 >/dev/null 2>&1 & echo $! > quiet', 'echo done'),
    'filter.cgi': sh('( printf "X: y\\n\\n"; sleep 0.3; echo late ) &'),
  })
  for (const name of ['daemon', 'quiet']) {
    const answer = await app.inject(`/${name}.cgi`)
    t.same([answer.statusCode, answer.body], [200, 'done\n'], name)
    await until(() => !isAlive(pidIn(app.root, name)))
  }
  t.equal((await app.inject('/filter.cgi')).body, 'late\n', 'what goes on to write is waited for')
})

t.test('what has left its group by setsid goes on, as in Apache, and does not hold the answer', async t => {
  const app = await cgiSite(t, {
    'away.cgi': answers(
      'setsid sh -c "echo \\$\\$ > away; exec sleep 1000" &',
      'while [ ! -s away ]; do sleep 0.02; done',
      'echo done',
    ),
  })
  const answer = await app.inject('/away.cgi')
  t.same([answer.statusCode, answer.body], [200, 'done\n'])
  const pid = pidIn(app.root, 'away')
  t.ok(isAlive(pid))
  process.kill(pid, 'SIGKILL')
})

t.test('a program that closes its output and goes on ends with its request', async t => {
  const app = await cgiSite(t, { 'closed.cgi': answers('echo $$ > pid', 'echo done; exec >&- 2>&-; sleep 1000') })
  t.equal((await app.inject('/closed.cgi')).body, 'done\n')
  await until(() => !isAlive(pidIn(app.root, 'pid')))
})

t.test('a program that ends by a signal before its header is 500', async t => {
  const app = await cgiSite(t, { 'killed.cgi': sh('kill -SEGV $$'), 'gone.cgi': sh('exit 3') })
  t.equal((await app.inject('/killed.cgi')).statusCode, 500)
  t.match(app.errorLog(), /premature end of script headers: .*killed.cgi: it was ended by SIGSEGV/)
  t.equal((await app.inject('/gone.cgi')).statusCode, 500)
})

t.test('CGIScriptTimeout: 504 before the header, cut behind it, and the program is gone', async t => {
  const app = await cgiSite(
    t,
    {
      'silent.cgi': sh('echo $$ > silent; exec sleep 1000'),
      'stops.cgi': answers('echo $$ > stops; echo begun; exec sleep 1000'),
      'slow.cgi': answers('for n in 1 2 3; do sleep 0.5; echo $n; done'),
    },
    { lines: 'CGIScriptTimeout = 1' },
  )
  const silent = await app.inject('/silent.cgi')
  t.equal(silent.statusCode, 504)
  t.match(app.errorLog(), /silent.cgi gave nothing for 1 s \(CGIScriptTimeout\)/)
  const stops = await fetch(`${await app.url()}/stops.cgi`)
  t.equal(stops.status, 200)
  await t.rejects(stops.text())
  for (const name of ['silent', 'stops']) await until(() => !isAlive(pidIn(app.root, name)))
  t.equal((await app.inject('/slow.cgi')).body, '1\n2\n3\n', 'each word of it counts anew')
})

t.test('many at once, one after another: each has its own answer, and nothing is left', async t => {
  const app = await cgiSite(t, { 'echo.cgi': answers('echo "$QUERY_STRING"; cat') })
  for (let round = 0; round < 3; round++) {
    const bodies = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const post = { method: 'POST', url: `/echo.cgi?${at}`, payload: `body ${at}` } as const
        return (await app.inject(at % 2 === 0 ? post : `/echo.cgi?${at}`)).body
      }),
    )
    t.same(
      bodies,
      bodies.map((_, at) => `${at}\n${at % 2 === 0 ? `body ${at}` : ''}`),
    )
  }
})

t.test('a launcher that was killed fails what it ran, and the next program has another', async t => {
  const app = await cgiSite(t, {
    'a.cgi': answers('echo a'),
    'waits.cgi': sh('echo $$ > orphan; echo $PPID > launcher; exec sleep 1000'),
  })
  const failed = app.inject('/waits.cgi')
  await until(() => hasPid(app.root, 'launcher'))
  process.kill(pidIn(app.root, 'launcher'), 'SIGKILL')
  t.equal((await failed).statusCode, 500)
  process.kill(pidIn(app.root, 'orphan'), 'SIGKILL')
  t.equal((await app.inject('/a.cgi')).body, 'a\n')
})

const lasting = {
  'lasting.cgi': sh('trap "" TERM HUP INT; echo $$ > lasting; echo; while :; do sleep 0.1; done'),
}

/** A server of its own, whose lasting program runs. */
async function servedWithProgram(t: Test, ini: string) {
  const site = await serveSite(
    t,
    t.testdir({}),
    { '.psoaccess': 'Options = +ExecCGI\nAddHandler = cgi-script .cgi', ...lasting },
    { ini },
  )
  const root = join(site.directory, 'public_html')
  chmodSync(join(root, 'lasting.cgi'), 0o755)
  const asked = fetch(`${site.url}/lasting.cgi`)
    .then(answer => answer.text())
    .catch(() => 'cut')
  await until(() => hasPid(root, 'lasting'))
  return { site, pid: pidIn(root, 'lasting'), asked }
}

t.test('programs end with the server, however it stops', async t => {
  const stopped = await servedWithProgram(t, 'Timeout = 1')
  process.kill(stopped.site.pid, 'SIGTERM')
  await until(() => stopped.site.ended() !== undefined)
  t.equal(stopped.site.ended(), 0)
  t.notOk(isAlive(stopped.pid), 'SIGTERM')
  const killed = await servedWithProgram(t, '')
  await killed.site.kill()
  await until(() => !isAlive(killed.pid))
  await Promise.all([stopped.asked, killed.asked])
  t.pass('SIGKILL')
})

/** The directory for temporary files is one of this test's own. */
function ownTmpdir(t: Test): () => string[] {
  const before = process.env['TMPDIR']
  const own = t.testdir({})
  process.env['TMPDIR'] = own
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  return () => globSync(join(own, 'pso-cgi-*'))
}

t.test('pipes that somebody has cleaned away are made anew', async t => {
  const made = ownTmpdir(t)
  const app = await cgiSite(t, { 'a.cgi': answers('echo $PPID') })
  const launcher = (await app.inject('/a.cgi')).body
  for (const path of made()) rmSync(path, { recursive: true })
  t.equal((await app.inject('/a.cgi')).body, launcher)
})

t.test('pipes that are used up go, and their directory with the last of them', async t => {
  const made = ownTmpdir(t)
  const app = await cgiSite(t, { 'a.cgi': answers('cat') })
  // the pipe of a body serves once, and 32 are made at a time
  for (let post = 0; post < 100; post++)
    t.equal((await app.inject({ method: 'POST', url: '/a.cgi', payload: 'body' })).body, 'body')
  await until(() => made().length <= 2)
})

t.test('nothing is left in the directory for temporary files, where no other user may look', async t => {
  const made = ownTmpdir(t)
  const app = await cgiSite(t, { 'a.cgi': answers('echo $PPID') })
  const launcher = Number((await app.inject('/a.cgi')).body)
  for (const path of made()) t.equal(statSync(path).mode & 0o777, 0o700)
  t.equal(made().length, 1)
  process.kill(launcher, 'SIGKILL')
  await until(() => made().length === 0)
  await app.inject('/a.cgi')
  t.equal(made().length, 1)
  await app.close()
  t.equal(made().length, 0)
})

t.test('a launcher that was stopped does not keep a server from ending', async t => {
  const app = await cgiSite(t, { 'a.cgi': answers('echo $PPID') })
  const launcher = Number((await app.inject('/a.cgi')).body)
  process.kill(launcher, 'SIGSTOP')
  await app.close()
  t.notOk(isAlive(launcher))
})

t.test('what a server that was killed with its launcher left there goes when another starts', async t => {
  const made = ownTmpdir(t)
  const [pid, start, ...place] = thisProcess.split(' ')
  const left = (began: string): string => {
    const path = join(process.env['TMPDIR']!, `pso-cgi-${[pid, began, ...place].join(',')}-a1B2c3`)
    mkdirSync(path)
    return path
  }
  const [ofDead, ofLiving] = [left(`${Number(start) + 1}`), left(start!)]
  mkdirSync(join(process.env['TMPDIR']!, 'pso-cgi-nonsense'))
  execFileSync('mkfifo', [join(ofDead, '0')])
  await cgiSite(t, {})
  await until(() => !existsSync(ofDead))
  t.same(made().length, 2)
  t.ok(existsSync(ofLiving))
})
