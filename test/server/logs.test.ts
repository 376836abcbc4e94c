import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readServerConfig } from '../../directives/index.ts'
import { site, type TestSite } from '../support/site.ts'

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

t.test('a reload takes ErrorLog and LogLevel', async t => {
  const app = await site(t, {})
  await app.inject('/first')
  reload(app, 'Listen = 127.0.0.1:0\nErrorLog = other.log\nLogLevel = debug\n')
  await app.inject('/second')
  reload(app, 'Listen = 127.0.0.1:0\nErrorLog = error.log\nLogLevel = error\n')
  await app.inject('/third')
  t.match(logged(app, 'error.log'), /GET \/first 404/)
  t.notMatch(logged(app, 'error.log'), /second|third/)
  t.match(logged(app, 'other.log'), /GET \/second 404/)
  t.notMatch(logged(app, 'other.log'), /first|third/)
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

t.test('a state directory that cannot be used is no reason to stop: the old configuration stays', async t => {
  const app = await site(t, { 'a.txt': 'a' })
  t.throws(() => reload(app, 'StateDirectory = conf/server.ini\nHeader = set X-New yes\n'), /state directory/)
  const { statusCode, headers } = await app.inject('/a.txt')
  t.equal(statusCode, 200)
  t.equal(headers['x-new'], undefined)
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
