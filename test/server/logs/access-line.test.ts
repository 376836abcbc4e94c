import t from 'tap'
import { combinedWithId } from '../../../directives/kinds.ts'
import { type AccessFacts, compileAccessLine } from '../../../server/logs/access-line.ts'

const facts = (more: Partial<AccessFacts> = {}, fields: Readonly<Record<string, string>> = {}): AccessFacts => ({
  host: '192.0.2.7',
  user: undefined,
  time: Date.UTC(2026, 10, 23, 2, 9, 39),
  durationMs: 1234.5,
  method: 'GET',
  target: '/a.txt?x=1',
  protocol: 'HTTP/1.1',
  status: 200,
  bytes: 6,
  bytesWithHead: 232,
  headerIn: name => fields[name],
  headerOut: name => fields[name],
  serverName: 'h.test',
  port: 8080,
  file: '/srv/a.txt',
  logId: undefined,
  ...more,
})
const combined = compileAccessLine(combinedWithId)

t.test('the combined format, as Apache writes it, and the id of the error log behind it', async t => {
  t.equal(
    combined(facts({ user: 'ann' }, { referer: 'http://r.test/', 'user-agent': 'curl/8' })),
    '192.0.2.7 - ann [23/Nov/2026:02:09:39 +0000] "GET /a.txt?x=1 HTTP/1.1" 200 6 "http://r.test/" "curl/8" -\n',
  )
  t.equal(
    combined(facts({ bytes: 0, status: 304, logId: 'bV4j0W2kQnWbXb5x' })),
    '192.0.2.7 - - [23/Nov/2026:02:09:39 +0000] "GET /a.txt?x=1 HTTP/1.1" 304 - "-" "-" bV4j0W2kQnWbXb5x\n',
  )
})

t.test('nothing that a client sends ends a line or a quoted field', async t => {
  const hostile = 'a"b\\c\td\n\r\x1b[2J\x7f'
  const line = combined(
    facts({ host: hostile, user: hostile, target: `/${hostile}` }, { referer: hostile, 'user-agent': hostile }),
  )
  t.match(line, /^[\x20-\x7e]+\n$/)
  t.equal(line.match(/(?<!\\)"/g)?.length, 6, 'three quoted fields')
  t.ok(line.startsWith('a\\"b\\\\c\\x09d\\x0a\\x0d\\x1b[2J\\x7f - '))
})

t.test('bytes above ASCII are shown as they were sent', async t => {
  const utf8 = (text: string): string => Buffer.from(text).toString('latin1')
  const userAgent = compileAccessLine('%{User-Agent}i')
  t.equal(userAgent(facts({}, { 'user-agent': utf8('\u00e9') })), '\\xc3\\xa9\n', 'a field as node reads it')
  t.equal(userAgent(facts({}, { 'user-agent': '\u2192' })), '\\xe2\\x86\\x92\n', 'text of this server')
})

t.test('each letter of a format', async t => {
  for (const [format, text] of [
    ['%%', '%'],
    ['%l', '-'],
    ['%>s %s', '200 200'],
    ['%B', '6'],
    ['%O', '232'],
    ['%D', '1234500'],
    ['%T', '1'],
    ['%v:%p', 'h.test:8080'],
    ['%m %U %q', 'GET /a.txt ?x=1'],
    ['%f', '/srv/a.txt'],
    ['%{X-A}i %{x-a}o', '1 1'],
  ] as const)
    t.equal(compileAccessLine(format)(facts({}, { 'x-a': '1' })), `${text}\n`, format)
})
