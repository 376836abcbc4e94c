import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readServerConfig } from '../../../directives/index.ts'
import { openLogs } from '../../../server/logs/logs.ts'
import { plant, site, type TestSite } from '../../support/site.ts'

/** Puts these lines in the place of server.ini's, as SIGHUP does. */
function reload(app: TestSite, lines: string): void {
  const file = join(app.root, '..', 'conf', 'server.ini')
  writeFileSync(file, lines)
  app.reload(readServerConfig({ file, environment: {}, cwd: app.root }))
}

const logged = (app: TestSite, name: string): string => {
  const file = join(app.stateDirectory, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

t.test('a log that cannot be opened ends a start: none goes missing in silence', async t => {
  for (const name of ['AccessLog', 'ErrorLog'])
    await t.rejects(site(t, {}, { ini: `${name} = none/such.log` }), {
      message: new RegExp(`^${name}: ENOENT.*none/such\\.log`),
    })
})

t.test('a reload goes on in the logs of the new server.ini, at its level', async t => {
  const app = await site(t, { 'a.txt': 'a' })
  const top = join(app.root, '..')
  const file = join(top, 'conf', 'server.ini')
  const reload = (text: string): void => {
    plant(join(top, 'conf'), { 'server.ini': `Listen = 127.0.0.1:0\n${text}` })
    app.reload(readServerConfig({ file, environment: {}, cwd: top }))
  }
  await app.inject('/one')
  t.match(app.errorLog(), /\/one/, 'the level is debug')
  reload('ErrorLog = new.log\nAccessLog = requests.log\nLogLevel = error\n')
  await app.inject('/two')
  app.logError('three')
  const log = readFileSync(join(app.stateDirectory, 'new.log'), 'utf8')
  t.notMatch(log, /\/two/)
  t.match(log, /three/)
  t.notMatch(app.errorLog(), /two|three/)
  reload('ErrorLog = new.log\nAccessLog = none/such.log\n')
  t.match(readFileSync(join(app.stateDirectory, 'new.log'), 'utf8'), /AccessLog: ENOENT/)
  t.match(readFileSync(join(app.stateDirectory, 'requests.log'), 'utf8'), /GET \/two/)
  t.equal((await app.inject('/a.txt')).statusCode, 200, 'requests go on')
})

t.test('a reload with a state directory that cannot be trusted is refused, and another one is made', async t => {
  const app = await site(t, { 'a.txt': 'a' })
  const top = join(app.root, '..')
  const file = join(top, 'conf', 'server.ini')
  plant(join(top, 'conf'), { 'server.ini': 'StateDirectory = conf/server.ini\n' })
  t.throws(() => app.reload(readServerConfig({ file, environment: {}, cwd: top })), /state directory/)
  plant(join(top, 'conf'), { 'server.ini': `StateDirectory = ${join(top, 'state')}\n` })
  app.reload(readServerConfig({ file, environment: {}, cwd: top }))
  t.equal(statSync(join(top, 'state')).mode & 0o777, 0o700)
  await app.inject('/a.txt')
  t.ok(existsSync(join(top, 'state', 'access.log')))
})

t.test('no log at all', async t => {
  const top = t.testdir({ conf: { 'server.ini': 'AccessLog = none\nErrorLog = none\n' }, public_html: {}, '.pso': {} })
  const config = readServerConfig({ file: join(top, 'conf/server.ini'), environment: {}, cwd: top })
  const logs = openLogs(config, Date.now)
  logs.access.write('x\n')
  logs.error.write('error', 'x')
  logs.reopen(config)
  logs.close()
  t.notOk(existsSync(join(top, '.pso', 'access.log')))
})

t.test('a reload takes AccessLog and LogFormat, also from none and to none', async t => {
  const app = await site(t, {}, { ini: 'AccessLog = none' })
  await app.inject('/first')
  reload(app, 'Listen = 127.0.0.1:0\nErrorLog = error.log\nAccessLog = a.log\nLogFormat = "seen %U"\n')
  await app.inject('/second')
  reload(app, 'Listen = 127.0.0.1:0\nErrorLog = error.log\nAccessLog = none\n')
  await app.inject('/third')
  t.equal(logged(app, 'a.log'), 'seen /second\n')
})

t.test('a reload says what takes a restart', async t => {
  const app = await site(t, {})
  reload(app, 'Listen = 127.0.0.1:0\nErrorLog = error.log\n')
  t.equal(app.errorLog(), '')
  reload(app, 'Listen = 127.0.0.1:1\nTimeout = 5\nErrorLog = error.log\n')
  t.match(app.errorLog(), /\[warn\] .*Listen has changed in server\.ini: it takes a restart/)
  t.match(app.errorLog(), /\[warn\] .*Timeout has changed/)
  t.notMatch(app.errorLog(), /Workers|TrustProxy/)
})

t.test('a name set twice is a warning in the log, once for each reading of its file', async t => {
  const app = await site(
    t,
    { 'a.txt': 'a', '.psoaccess': 'PSOSessionExpire = 1\nPSOSessionExpire = 2\n', b: { 'b.txt': 'b' } },
    { ini: 'ServerName = a.example\nServerName = b.example' },
  )
  for (const url of ['/a.txt', '/a.txt', '/b/b.txt']) t.equal((await app.inject(url)).statusCode, 200, url)
  const lines = app.errorLog().trim().split('\n')
  t.equal(lines.length, 2)
  t.match(lines[0], /\[warn\] .*server\.ini:5: ServerName: already set in line 4; the last stands/)
  t.match(lines[1], /\[warn\] .*\.psoaccess:2: PSOSessionExpire: already set in line 1; the last stands/)
})
