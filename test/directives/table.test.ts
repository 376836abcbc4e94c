import t from 'tap'
import type { Directive, OverrideGroup } from '../../directives/directive.ts'
import { NotBuiltError } from '../../directives/kind.ts'
import {
  type DirectiveName,
  type Directives,
  directiveNamed,
  directiveNames,
  families,
  rows,
  table,
} from '../../directives/table.ts'
import { readWords } from '../../directives/words.ts'
import { context } from '../support/value-context.ts'

/** At least one value of every row, as it stands after `=`; a row without one does not compile. */
const samples: Readonly<Record<DirectiveName, readonly [string, ...string[]]>> = {
  PSOServiceId: ['MI6Service'],
  PSOSessionId: ['007'],
  PSOSessionExpire: ['900', '15*60', 'Mon, 15 Apr 2030 19:00:00 GMT'],
  PSOSessionExpireOn: ['31-12-2030'],
  PSOSessionIdle: ['24*60*60'],
  PSOSessionLock: ['on', 'merge', 'off'],
  PSOSessionMaxSize: ['64', '1048576'],
  PSOSessionLockWait: ['5'],
  PSOSessionReadOnly: ['on'],
  PSOSessionTransport: ['cookie', 'url', 'cookie url'],
  PSOSessionLoader: [
    'file:',
    'memory:',
    'sqlite:sessions.sqlite',
    'redis://127.0.0.1:6379/0',
    'rediss://h',
    'postgres://u@h:5432/d',
    'mysql://u@h/d',
  ],
  PSOSessionFileLoader_Path: ['sessions', '/tmp/path0/', '"/tmp/with blank"'],
  PSOCookieSession_Comment: ['"hi there"'],
  PSOCookieSession_Domain: ['.example.test'],
  'PSOCookieSession_Max-Age': ['60', '0'],
  PSOCookieSession_Path: ['/a'],
  PSOCookieSession_Secure: ['on'],
  PSOCookieSession_Version: ['1'],
  PSOCookieSession_expires: ['"Mon, 15 Apr 2030 19:00:00 GMT"'],
  PSOCookieSession_HttpOnly: ['off'],
  PSOCookieSession_SameSite: ['Lax', 'Strict', 'None'],
  PSOCookieSession_Partitioned: ['on'],
  PSOCookieSession_Priority: ['High'],
  PSOPostReadRequestHandler: ['log.ts'],
  PSOTransHandler: ['map.ts::trans'],
  PSOHeaderParserHandler: ['a b'],
  PSOAccessHandler: ['none'],
  PSOAuthenHandler: ['auth.ts::Basic.authen'],
  PSOAuthzHandler: ['auth.ts'],
  PSOTypeHandler: ['"my type.ts"'],
  PSOFixupHandler: ['pso::fixup auth.ts::check'],
  PSOHandler: ['quicktest', 'a.ts b.ts', 'page.ts | .html .txt', 'none'],
  PSOLogHandler: ['pso::cleanup'],
  PSOCleanupHandler: ['clean.ts'],
  DirectoryIndex: ['index.html start.txt', 'disabled'],
  DirectorySlash: ['off'],
  Options: ['Indexes FollowSymLinks', '+Indexes -MultiViews', '+ExecCGI', 'None'],
  SetHandler: ['pso-program', 'cgi-script', 'default-handler', 'none'],
  AddHandler: ['pso-program .ts mts', 'cgi-script .cgi .pl'],
  RemoveHandler: ['.ts'],
  ErrorDocument: ['404 /missing.html', '403 "Not for you"', '500 http://other.test/', '404 default'],
  AddType: ['video/mp2t .ts'],
  AddDefaultCharset: ['utf-8', 'Off', 'On'],
  SetEnv: ['NAME value', 'NAME "two words"', 'NAME'],
  UnsetEnv: ['A B'],
  PassEnv: ['LANG'],
  PSOOption: ['colour "light blue"'],
  Redirect: ['permanent /a http://h.test/b', '/a /b', 'gone /a'],
  FallbackResource: ['/index.html', 'disabled'],
  AcceptPathInfo: ['on'],
  Header: ['always set X-Frame-Options DENY', 'edit* Set-Cookie "; path" "; Path" env=!PLAIN', 'unset X-A'],
  Require: ['all denied', 'all granted'],
  PSOLog: ['shop.log'],
  PSOInput: ['on', 'off'],
  PSOInputMaxFields: ['0', '50'],
  PSOInputMaxFiles: ['3'],
  PSOInputMaxFileSize: ['1048576'],
  ScriptAlias: ['/cgi-bin/ ../cgi', '/bin "/srv/my programs/"'],
  CGIPassAuth: ['on'],
  CGIScriptTimeout: ['15*60'],
  PSOHandlerTimeout: ['15*60'],
  Listen: ['8080', '127.0.0.1:8080 [::1]:8080', '*:80'],
  ServerName: ['www.example.test'],
  DocumentRoot: ['htdocs'],
  StateDirectory: ['/var/lib/pso'],
  AccessFileName: ['.psoaccess .config'],
  AllowOverride: ['None', 'All', 'FileInfo Session'],
  ExposeEnv: ['LANG HOME'],
  AccessLog: ['access.log', 'none', 'stdout'],
  ErrorLog: ['stderr'],
  LogLevel: ['debug'],
  LogFormat: ['combined', '"%h \\"%r\\" %>s"'],
  Include: ['more.ini'],
  Workers: ['4'],
  Timeout: ['2*60'],
  LimitRequestBody: ['0'],
  LimitRequestLine: ['4096'],
  LimitRequestFields: ['50'],
  TrustProxy: ['loopback 10.0.0.0/8', 'none'],
}

const parse = (row: Directive<unknown>, text: string): unknown => row.kind.parse(readWords(text), context)

t.test('every row says what it does, in a sentence', async t => {
  for (const name of directiveNames) {
    t.match(rows[name].doc, /^[A-Z][^\n]{15,}[^.]\.$/, name)
    t.ok(rows[name].kind.syntax.length > 1, `${name} has a syntax`)
  }
})

t.test('every value is shown as it could be written', async t => {
  for (const name of directiveNames)
    for (const text of samples[name]) {
      const value = parse(rows[name], text)
      const shown = rows[name].kind.show(value)
      t.same(parse(rows[name], shown), value, `${name} = ${text}, shown as ${shown}`)
    }
})

t.test('every default can be written, or the reference says in words what it is', async t => {
  for (const name of directiveNames) {
    const row = rows[name]
    const shown = row.kind.show(row.default)
    if (shown === '') t.ok(row.defaultDoc !== undefined || isEmpty(row.default), name)
    else t.same(withoutPlace(parse(row, shown)), withoutPlace(row.default), `${name} = ${shown}`)
  }
})

const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : value instanceof Map && value.size === 0

/** A default handler stands in no file. */
const withoutPlace = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(entry => (entry?.at === undefined ? entry : { ...entry, at: '', base: '' })) : value

t.test('whatever is written, a kind takes it, or says what it expected and what it got', async t => {
  const words = [
    '',
    ' ',
    'x',
    'none',
    '0',
    '-1',
    '9'.repeat(400),
    '\0',
    'a\r\nb',
    '../..',
    '/',
    '//',
    '|',
    '::',
    '%',
    '(',
    '=',
    '+',
    `$\{X}`,
  ]
  const more = [
    'constructor',
    '__proto__',
    'hasOwnProperty',
    'é',
    '\u{1f600}',
    'a'.repeat(100_000),
    'http://me:secret@h/',
    '#',
    '"',
    '\\',
  ]
  const texts = [
    [],
    ...[...words, ...more].flatMap(word => [[word], [word, word], ['404', word], ['set', 'X', word], ['/a', word]]),
  ]
  for (const name of directiveNames) {
    const { kind } = rows[name]
    const wrong = texts.filter(text => {
      try {
        const value = kind.parse(text, context)
        return kind.show(value).includes('secret')
      } catch (error) {
        const { message } = error as Error
        const isRight = error instanceof NotBuiltError || /^expected .+, got (".*"|nothing)$/s.test(message)
        return !isRight || message.length > 1000 || message.includes('secret')
      }
    })
    t.same(wrong, [], name)
  }
})

t.test('every merge rule takes two values of its row', async t => {
  for (const name of directiveNames) {
    const { merge, within, repeat } = rows[name]
    const values = samples[name].map(text => parse(rows[name], text))
    const [first, last] = [values[0], values.at(-1)]
    const merged = merge.merge(rows[name].default, last)
    t.equal(typeof rows[name].kind.show(merged), 'string', name)
    if (repeat === 'adds')
      t.equal(typeof rows[name].kind.show((within ?? merge).merge(first, last)), 'string', `${name} twice`)
  }
})

t.test('a row that counts as a line of another has values of the same type', async t => {
  for (const name of directiveNames) {
    const { into } = rows[name]
    if (into === undefined) continue
    const target = rows[into as DirectiveName]
    t.ok(target, `${name} goes into ${into}`)
    t.equal(typeof target.kind.show(target.merge.merge(target.default, parse(rows[name], samples[name][0]))), 'string')
  }
})

t.test('every spelling belongs to one row', async t => {
  const spellings = directiveNames.flatMap(name => [
    name,
    ...(rows[name].aliases ?? []),
    ...(rows[name].replaces ?? []),
  ])
  t.same(
    spellings.filter(
      (name, index) => spellings.findIndex(other => other.toLowerCase() === name.toLowerCase()) !== index,
    ),
    [],
  )
  t.equal(Object.values(families).flatMap(Object.keys).length, directiveNames.length, 'no two families share a name')
  t.equal(directiveNamed('psosessionEXPIRES'), 'PSOSessionExpire')
  t.equal(directiveNamed('PythonHandler'), undefined)
  t.equal(directiveNamed('constructor'), undefined)
})

t.test('a service may not have the name of a directive', async t => {
  for (const name of ['Header', 'psohandler', 'PSOSessionExpires', 'PSOServiceId'])
    t.throws(() => parse(rows.PSOServiceId, name), { message: `expected a name that no directive has, got "${name}"` })
})

t.test('what two lines come to, in one file and from parent to child', async t => {
  const two = (name: DirectiveName, first: string, second: string): { inFile: unknown; inChild: unknown } => {
    const row = rows[name]
    const [a, b] = [parse(row, first), parse(row, second)]
    return {
      inFile: row.kind.show((row.within ?? row.merge).merge(a, b)),
      inChild: row.kind.show(row.merge.merge(a, b)),
    }
  }
  for (const [name, first, second, inFile, inChild] of [
    ['PSOHandler', 'a', 'b', 'a b', 'b'],
    ['PSOHandler', 'a', 'none', 'none', 'none'],
    ['PSOFixupHandler', 'none', 'b', 'b', 'b'],
    ['DirectoryIndex', 'a', 'b c', 'a b c', 'b c'],
    ['DirectoryIndex', 'a', 'disabled', 'disabled', 'disabled'],
    ['Options', 'Indexes', 'FollowSymLinks', 'FollowSymLinks', 'FollowSymLinks'],
    ['Options', 'Indexes', '+FollowSymLinks', 'Indexes FollowSymLinks', 'Indexes FollowSymLinks'],
    ['Options', '+Indexes', '-Indexes', '-Indexes', '-Indexes'],
    ['Options', '-Indexes', '+Indexes', '+Indexes', '+Indexes'],
    ['Options', '+Indexes', 'None', 'None', 'None'],
    ['ErrorDocument', '404 /a', '404 /b', '404 /b', '404 /b'],
    ['ErrorDocument', '404 /a', '403 /b', '404 /a, 403 /b', '404 /a, 403 /b'],
    [
      'AddHandler',
      'pso-program .a',
      'default-handler .b',
      'pso-program .a, default-handler .b',
      'pso-program .a, default-handler .b',
    ],
    ['SetEnv', 'A 1', 'B 2', 'A 1, B 2', 'A 1, B 2'],
    ['PSOOption', 'a 1', 'b 2', 'a 1, b 2', 'a 1, b 2'],
    // in its own file the name stays as taken away, for what the parent has
    ['PSOOption', 'a 1', 'a', 'a ""', ''],
    ['Redirect', '/a /x', '/b /y', '302 /a /x, 302 /b /y', '302 /b /y, 302 /a /x'],
    ['Header', 'set A 1', 'set B 2', 'set A 1, set B 2', 'set A 1, set B 2'],
    ['Require', 'all granted', 'all denied', 'all granted', 'all denied'],
    ['Require', 'all denied', 'all granted', 'all granted', 'all granted'],
    ['Listen', '80', '81', '*:80 *:81', '*:81'],
    ['ExposeEnv', 'A', 'B', 'A B', 'A B'],
  ] as const)
    t.same(two(name, first, second), { inFile, inChild }, `${name} = ${first}, then ${second}`)
})

t.test('a change of Options is what two changes in turn would do', async t => {
  const { kind, merge } = table.Options
  const value = (text: string) => kind.parse(readWords(text), context)
  const sets = ['None', 'Indexes', 'Indexes FollowSymLinks'].map(value)
  const changes = ['+Indexes', '-Indexes', '+FollowSymLinks -Indexes', '-FollowSymLinks +SymLinksIfOwnerMatch'].map(
    value,
  )
  for (const set of sets)
    for (const first of changes)
      for (const second of changes) {
        const inTurn = merge.merge(merge.merge(set, first), second)
        const atOnce = merge.merge(set, merge.merge(first, second))
        t.same(new Set(inTurn.on), new Set(atOnce.on))
        t.equal(inTurn.off, undefined, 'in effect it is a whole set')
      }
})

t.test('running a module takes what loading one takes', async t => {
  for (const [name, text, group] of [
    ['SetHandler', 'pso-program', 'Handlers'],
    ['SetHandler', 'default-handler', 'FileInfo'],
    ['AddHandler', 'pso-program .ts', 'Handlers'],
    ['AddHandler', 'default-handler .ts', 'FileInfo'],
  ] as const)
    t.equal(rows[name].overrideFor?.(parse(rows[name], text)), group, `${name} = ${text}`)
})

t.test('the type of the table is known when it is compiled', async t => {
  const typed = (directives: Directives) => {
    const seconds: number = directives.PSOSessionLockWait
    const site: 'Lax' | 'Strict' | 'None' = directives.PSOCookieSession_SameSite
    // @ts-expect-error a misspelt name does not compile
    directives.PSOSesionExpire
    // @ts-expect-error nor does a value of another type
    const wrong: number = directives.PSOCookieSession_SameSite
    return [seconds, site, wrong]
  }
  const defaults = Object.fromEntries(directiveNames.map(name => [name, rows[name].default])) as unknown as Directives
  t.same(typed(defaults), [10, 'Lax', 'Lax'])
})

t.test('every row that a .psoaccess may hold is of the group that DESIGN 3 and Apache put it in', async t => {
  const groups = Map.groupBy(
    directiveNames.filter(name => rows[name].scope === 'directory'),
    name => rows[name].override,
  )
  const of = (group: OverrideGroup | 'any'): string[] => (groups.get(group) ?? []).toSorted()
  const cookies = directiveNames.filter(name => name.startsWith('PSOCookieSession_'))
  const session = 'PSOServiceId PSOSessionId PSOSessionExpire PSOSessionExpireOn PSOSessionIdle PSOSessionLock'
  const more = 'PSOSessionLockWait PSOSessionMaxSize PSOSessionReadOnly PSOSessionTransport'
  t.same(of('Session'), [...`${session} ${more}`.split(' '), ...cookies].toSorted())
  const phases = directiveNames.filter(name => /^PSO.*Handler$/.test(name) && rows[name].scope === 'directory')
  const loaders =
    'PSOSessionLoader PSOSessionFileLoader_Path PSOLog PSOOption PSOHandlerTimeout PSOInput PSOInputMaxFields PSOInputMaxFiles PSOInputMaxFileSize'
  t.same(of('Handlers'), [...loaders.split(' '), ...phases].toSorted())
  t.equal(phases.length, 9, 'all phases but the two that only server.ini has')
  const fileInfo =
    'SetHandler AddHandler RemoveHandler ErrorDocument AddType AddDefaultCharset SetEnv UnsetEnv PassEnv Redirect AcceptPathInfo Header'
  t.same(of('FileInfo'), fileInfo.split(' ').toSorted())
  t.same(of('Indexes'), 'DirectoryIndex DirectorySlash FallbackResource'.split(' ').toSorted())
  t.same(of('Options'), ['CGIScriptTimeout', 'Options'])
  t.same(of('AuthConfig'), ['CGIPassAuth', 'Require'])
  t.same(of('any'), ['LimitRequestBody'])
})
