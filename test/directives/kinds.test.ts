import { dirname, join } from 'node:path'
import t from 'tap'
import { type Kind, NotBuiltError } from '../../directives/kind.ts'
import * as kinds from '../../directives/kinds.ts'
import { context } from '../support/value-context.ts'

type Case = readonly [words: readonly string[], value: unknown]
type BadCase = readonly [words: readonly string[], message: string]

const parse = (kind: Kind<unknown>, words: readonly string[]): unknown => kind.parse(words, context)

/** One kind: what it takes, what it refuses and how, what it knows but does not serve yet. */
function describeKind<Value>(
  name: string,
  kind: Kind<Value>,
  cases: { takes?: readonly Case[]; refuses?: readonly BadCase[]; notBuilt?: readonly (readonly string[])[] },
): void {
  t.test(name, async t => {
    for (const [words, value] of cases.takes ?? []) t.same(parse(kind, words), value, `takes ${words.join(' ')}`)
    for (const [words, message] of cases.refuses ?? [])
      t.throws(() => parse(kind, words), { name: 'Error', message }, `refuses ${words.join(' ')}`)
    for (const words of cases.notBuilt ?? [])
      t.throws(() => parse(kind, words), NotBuiltError, `does not serve ${words.join(' ')} yet`)
  })
}

describeKind('flag', kinds.flag, {
  takes: [
    [['on'], true],
    [['Off'], false],
  ],
  refuses: [
    [['yes'], 'expected on or off, got "yes"'],
    [['constructor'], 'expected on or off, got "constructor"'],
    [['on', 'off'], 'expected on or off, got "on off"'],
    [[], 'expected on or off, got nothing'],
  ],
})

describeKind('oneOf ignores case and gives the spelling of the table', kinds.oneOf('Lax', 'Strict', 'None'), {
  takes: [[['lax'], 'Lax']],
  refuses: [[['loose'], 'expected Lax, Strict or None, got "loose"']],
})

describeKind('listOf', kinds.listOf(kinds.fileName, 'none'), {
  takes: [
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [['None'], []],
  ],
  refuses: [
    [['a', 'b/c'], 'expected a file name without a slash, got "b/c"'],
    [[], 'expected a file name without a slash, got nothing'],
    [['..'], 'expected a file name without a slash, got ".."'],
  ],
})

describeKind('orWord', kinds.orWord(kinds.urlPath, 'disabled'), {
  takes: [
    [['/front.php'], '/front.php'],
    [['Disabled'], undefined],
  ],
  refuses: [
    [['front.php'], 'expected a URL path that begins with /, got "front.php"'],
    [['//elsewhere/x'], 'expected a URL path that begins with /, got "//elsewhere/x"'],
  ],
})

describeKind(
  'serviceName',
  kinds.serviceName(name => name.toLowerCase() === 'header'),
  {
    takes: [
      [['MI6Service'], 'MI6Service'],
      [['localhost.shop.handler'], 'localhost.shop.handler'],
      [['__Host-id'], '__Host-id'],
    ],
    refuses: [
      [['a b'], 'expected a cookie\'s name of 1 to 128 letters, digits or any of !#$%&\'*+-.^_`|~, got "a b"'],
      [['a;b'], 'expected a cookie\'s name of 1 to 128 letters, digits or any of !#$%&\'*+-.^_`|~, got "a;b"'],
      [['Header'], 'expected a name that no directive has, got "Header"'],
    ],
  },
)

describeKind('sessionId', kinds.sessionId, {
  takes: [[['007'], '007']],
  refuses: [
    [['../x'], 'expected a session id of 1 to 128 letters, digits, _ or -, got "../x"'],
    [['x'.repeat(129)], `expected a session id of 1 to 128 letters, digits, _ or -, got "${'x'.repeat(129)}"`],
  ],
})

describeKind('sessionTransport', kinds.sessionTransport, {
  takes: [
    [['cookie'], 'cookie'],
    [['URL'], 'url'],
    [['cookie', 'url'], 'cookie url'],
    [['url', 'cookie'], 'cookie url'],
    [['cookie url'], 'cookie url'],
  ],
  refuses: [
    [[], 'expected cookie, url or cookie url, got nothing'],
    [['header'], 'expected cookie, url or cookie url, got "header"'],
    [['url', 'url'], 'expected cookie, url or cookie url, got "url url"'],
  ],
})

describeKind('cookieText', kinds.cookieText, {
  takes: [[['hi', 'there'], 'hi there']],
  refuses: [
    [['a;b'], 'expected printable ASCII characters without ;, got "a;b"'],
    [['a\r\nb'], 'expected printable ASCII characters without ;, got "a\\r\\nb"'],
    [['é'], 'expected printable ASCII characters without ;, got "é"'],
    [[''], 'expected printable ASCII characters without ;, got ""'],
  ],
})

describeKind('domainName', kinds.domainName, {
  takes: [
    [['example.test'], 'example.test'],
    [['.example.test'], '.example.test'],
  ],
  refuses: [
    [['-x'], 'expected a domain name, got "-x"'],
    [['a;b'], 'expected a domain name, got "a;b"'],
  ],
})

describeKind('cookiePath', kinds.cookiePath, {
  takes: [[['/a'], '/a']],
  refuses: [
    [['a'], 'expected a path that begins with / and has no ;, got "a"'],
    [['/a;b'], 'expected a path that begins with / and has no ;, got "/a;b"'],
  ],
})

describeKind('charset', kinds.charset, {
  takes: [
    [['utf-8'], 'utf-8'],
    [['On'], 'iso-8859-1'],
    [['off'], false],
  ],
  refuses: [[['utf 8'], 'expected a charset, On or Off, got "utf 8"']],
})

describeKind('seconds', kinds.seconds(), {
  takes: [
    [['15*60'], 900],
    [['15', '*', '60'], 900],
  ],
  refuses: [
    [['soon'], 'expected seconds or an expression like 15*60, got "soon"'],
    [['0'], 'expected from 1 to 3162240000 seconds, got "0"'],
  ],
})

describeKind('seconds that may be none', kinds.seconds(0), {
  takes: [
    [['0'], 0],
    [['-0'], 0],
  ],
  refuses: [[['-1'], 'expected from 0 to 3162240000 seconds, got "-1"']],
})

describeKind('integer', kinds.integer('NUMBER', 1, 8), {
  takes: [[['8'], 8]],
  refuses: [
    [['0'], 'expected a whole number from 1 to 8, got "0"'],
    [['9'], 'expected a whole number from 1 to 8, got "9"'],
    [['1.5'], 'expected a whole number from 1 to 8, got "1.5"'],
    [[''], 'expected a whole number from 1 to 8, got ""'],
  ],
})

describeKind('path is relative to the file', kinds.path, {
  takes: [
    [['a/b/'], '/srv/site/shop/a/b'],
    [['/etc'], '/etc'],
  ],
  refuses: [
    [[''], 'expected a path, got ""'],
    [['a\0b'], 'expected a path, got "a\\u0000b"'],
  ],
})

const outside = 'a path outside the document root, or one with a component that begins with a dot'
describeKind('pathForWriting is relative to the state directory, and out of reach of requests', kinds.pathForWriting, {
  takes: [
    [['sessions/'], '/srv/state/sessions'],
    [['/tmp/path0'], '/tmp/path0'],
    [['/srv/site/.sessions/a'], '/srv/site/.sessions/a'],
    [['/srv/site-two/a'], '/srv/site-two/a'],
    [['/srv/..a'], '/srv/..a'],
    [['/srv'], '/srv'],
  ],
  refuses: [
    [['/srv/site'], `expected ${outside}, got "/srv/site"`],
    [['/srv/site/sessions'], `expected ${outside}, got "/srv/site/sessions"`],
    [['../site/a'], `expected ${outside}, got "../site/a"`],
    [['/srv/site/.a/../b'], `expected ${outside}, got "/srv/site/.a/../b"`],
    [['/srv/site/.well-known/a'], `expected ${outside}, got "/srv/site/.well-known/a"`],
    [['/srv/site/.a/x.ts'], 'expected a path without a handler\'s extension, got "/srv/site/.a/x.ts"'],
    [['log.MJS'], 'expected a path without a handler\'s extension, got "log.MJS"'],
    [['/srv/site/a/.psoaccess'], 'expected a path that is no access file, got "/srv/site/a/.psoaccess"'],
    [['/elsewhere/.PSOACCESS'], 'expected a path that is no access file, got "/elsewhere/.PSOACCESS"'],
    [[''], 'expected a path, got ""'],
  ],
})

t.test('an access file of another name may not be written to either', async t => {
  const named = { ...context, accessFileNames: ['.config'] }
  t.throws(() => kinds.pathForWriting.parse(['/srv/site/.config'], named), {
    message: /expected a path that is no access file/,
  })
})

describeKind('logTarget', kinds.logTarget, {
  takes: [
    [['access.log'], { type: 'file', path: '/srv/state/access.log' }],
    [['stdout'], { type: 'stdout' }],
    [['stderr'], { type: 'stderr' }],
    [['none'], { type: 'none' }],
    [['./none'], { type: 'file', path: '/srv/state/none' }],
  ],
  refuses: [
    [['/srv/site/access.log'], `expected ${outside}, got "/srv/site/access.log"`],
    [['a', 'b'], 'expected a path, stdout, stderr or none, got "a b"'],
  ],
  notBuilt: [['|rotatelogs'], ['syslog:local7']],
})

const where = { base: context.base, at: context.at }
describeKind('handlerList', kinds.handlerList, {
  takes: [
    [['a.ts'], [{ module: 'a.ts', ...where }]],
    [
      ['pso::fixup', './auth.ts::api.check'],
      [
        { module: 'pso', function: 'fixup', ...where },
        { module: './auth.ts', function: 'api.check', ...where },
      ],
    ],
    [['None'], []],
  ],
  refuses: [
    [['a.ts', 'none'], 'expected MODULE[::FUNCTION], got "none"'],
    [['a.ts::'], 'expected MODULE[::FUNCTION], got "a.ts::"'],
    [['::f'], 'expected MODULE[::FUNCTION], got "::f"'],
    [['a::b::c'], 'expected MODULE[::FUNCTION], got "a::b::c"'],
    [['a::1'], 'expected MODULE[::FUNCTION], got "a::1"'],
    [['a.ts', '|', '.html'], 'expected MODULE[::FUNCTION], got "|"'],
    [['pso.modpython::cleanup'], 'expected pso::cleanup, got "pso.modpython::cleanup"'],
    [[], 'expected MODULE[::FUNCTION], got nothing'],
  ],
})

const pages = { extensions: ['.html', '.txt'], ...where }
describeKind('contentHandlerList', kinds.contentHandlerList, {
  takes: [
    [
      ['page.ts', 'b', '|', '.HTML', 'txt'],
      [
        { module: 'page.ts', ...pages },
        { module: 'b', ...pages },
      ],
    ],
    [['page.ts|.html', '.txt'], [{ module: 'page.ts', ...pages }]],
    [['none'], []],
  ],
  refuses: [
    [['page.ts', '|'], 'expected MODULE | .EXTENSION …, got "page.ts |"'],
    [['|', '.html'], 'expected MODULE[::FUNCTION], got "| .html"'],
    [['a', '|', '.b', '|', '.c'], 'expected an extension like .html, got "|"'],
  ],
})

t.test('handlers of several lines are shown by extension', async t => {
  const refs = [
    ...kinds.contentHandlerList.parse(['page.ts', '|', '.html'], context),
    ...kinds.contentHandlerList.parse(['rest.ts'], context),
  ]
  t.equal(kinds.contentHandlerList.show(refs), 'page.ts | .html, rest.ts')
})

describeKind('handlerOrNone', kinds.handlerOrNone, {
  takes: [
    [['pso-program'], 'pso-program'],
    [['Default-Handler'], 'default-handler'],
    [['CGI-script'], 'cgi-script'],
    [['None'], 'none'],
  ],
  refuses: [
    [
      ['mod_python'],
      'expected the handler pso-program, cgi-script, default-handler or server-status, got "mod_python"',
    ],
  ],
  notBuilt: [['server-status']],
})

describeKind('handlerByExtension', kinds.handlerByExtension, {
  takes: [
    [
      ['pso-program', '.ts', 'MTS'],
      new Map([
        ['.ts', 'pso-program'],
        ['.mts', 'pso-program'],
      ]),
    ],
  ],
  refuses: [
    [['pso-program'], 'expected an extension, got "pso-program"'],
    [['pso-program', '.tar.gz'], 'expected an extension like .html, got ".tar.gz"'],
    [['php', '.php'], 'expected the handler pso-program, cgi-script, default-handler or server-status, got "php"'],
    [[], 'expected pso-program | cgi-script | default-handler .EXTENSION …, got nothing'],
  ],
  notBuilt: [['server-status', '.html']],
})

describeKind('scriptAliases', kinds.scriptAliases, {
  takes: [
    [['/cgi-bin/', '/usr/lib/cgi-bin/'], new Map([['/cgi-bin/', '/usr/lib/cgi-bin']])],
    [['/my tools', 'cgi'], new Map([['/my tools/', join(context.base, 'cgi')]])],
  ],
  refuses: [
    [[], 'expected a URL path and a directory, such as /cgi-bin/ cgi-bin, got nothing'],
    [['/cgi-bin/'], 'expected a URL path and a directory, such as /cgi-bin/ cgi-bin, got "/cgi-bin/"'],
    [
      ['/cgi-bin/', 'my', 'cgi'],
      'expected a URL path and a directory, such as /cgi-bin/ cgi-bin, got "/cgi-bin/ my cgi"',
    ],
    [['cgi-bin', 'cgi'], 'expected a URL path like /cgi-bin/, not encoded, got "cgi-bin"'],
    [['/', 'cgi'], 'expected a URL path like /cgi-bin/, not encoded, got "/"'],
    [['/a/../b/', 'cgi'], 'expected a URL path like /cgi-bin/, not encoded, got "/a/../b/"'],
    [['/a//b/', 'cgi'], 'expected a URL path like /cgi-bin/, not encoded, got "/a//b/"'],
    [['/a%20b/', 'cgi'], 'expected a URL path like /cgi-bin/, not encoded, got "/a%20b/"'],
    [['/cgi-bin/', 'http://h/cgi'], 'expected a directory, got "http://h/cgi"'],
  ],
})

describeKind('typeByExtension', kinds.typeByExtension, {
  takes: [[['text/html; charset=utf-8', '.x'], new Map([['.x', 'text/html; charset=utf-8']])]],
  refuses: [
    [['html', '.x'], 'expected a media type like text/html, got "html"'],
    [['text/html\r\nA: b', '.x'], 'expected a media type like text/html, got "text/html\\r\\nA: b"'],
  ],
})

const loaderForms = 'file:, memory:, sqlite:PATH, redis://…, rediss://…, postgres://…, mysql://… or MODULE[::CLASS]'

describeKind('loaderChoice', kinds.loaderChoice, {
  takes: [
    [['file:'], { type: 'file' }],
    [['memory:'], { type: 'memory' }],
    [['sqlite:a.db'], { type: 'sqlite', path: join(context.stateDirectory, 'a.db') }],
    [['redis://h'], { type: 'redis', url: 'redis://h' }],
    [['rediss://:p@h:1/2'], { type: 'redis', url: 'rediss://:p@h:1/2' }],
    [['postgres://u:p@h/d'], { type: 'postgres', url: 'postgres://u:p@h/d' }],
    [['postgresql://h/d?sslmode=require'], { type: 'postgres', url: 'postgresql://h/d?sslmode=require' }],
    [['MySQL://u@h:1/d'], { type: 'mysql', url: 'MySQL://u@h:1/d' }],
  ],
  refuses: [
    [['file'], `expected ${loaderForms}, got "file"`],
    [['file:/tmp'], `expected ${loaderForms}, got "file:…"`],
    [['mongodb://me:secret@host/db'], `expected ${loaderForms}, got "mongodb:…"`],
    [['redis://'], 'expected redis://HOST:PORT/NUMBER, got "redis:…"'],
    [['redis:h'], 'expected redis://HOST:PORT/NUMBER, got "redis:…"'],
    [['postgres://h'], 'expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, got "postgres:…"'],
    [['mysql://h/'], 'expected mysql://USER:PASSWORD@HOST:PORT/DATABASE, got "mysql:…"'],
    [['sqlite:'], 'expected sqlite:PATH, the path relative to StateDirectory, got "sqlite:"'],
    [['sqlite:a.ts'], 'expected a path without a handler\'s extension, got "a.ts"'],
  ],
})

t.test('loaderChoice takes a module beside the file, with a class or without', async t => {
  const { at } = context
  const own = { type: 'module', base: dirname(at.file), at } as const
  for (const [word, value] of [
    ['own', { ...own, module: 'own' }],
    ['../lib/own.ts', { ...own, module: '../lib/own.ts' }],
    ['own.ts::MyLoader', { ...own, module: 'own.ts', className: 'MyLoader' }],
  ] as const) {
    const choice = kinds.loaderChoice.parse([word], context)
    t.same(choice, value, word)
    t.equal(kinds.loaderChoice.show(choice), word)
    t.same(kinds.loaderChoice.modules!(choice), [choice])
  }
  for (const word of ['own::', '::Own', 'own::a.b', 'own::A::B', 'own:A', 'sqlite', 'Memory'])
    t.throws(() => kinds.loaderChoice.parse([word], context), /MODULE\[::CLASS\]|sqlite:PATH/, word)
})

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

t.test('no message and nothing shown holds a password', async t => {
  for (const text of ['postgres://me:secret@host', 'mongodb://me:se@cret@host', 'redis::secret@host'])
    t.notMatch(
      messageOf(() => kinds.loaderChoice.parse([text], context)),
      /cret/,
      text,
    )
  for (const [word, shown] of [
    ['postgres://me:se@cret@host/db', 'postgres://me:***@host/db'],
    ['redis://:secret@host', 'redis://:***@host'],
    ['http://h.test:8080/@me', 'http://h.test:8080/@me'],
    ['me@h.test', 'me@h.test'],
    ['mailto:me@h.test', 'mailto:me@h.test'],
  ] as const)
    t.equal(kinds.showWord(word), shown, word)
  t.equal(
    kinds.loaderChoice.show(kinds.loaderChoice.parse(['postgres://h/d?sslpassword=secret&a=b'], context)),
    'postgres://h/d?sslpassword=***&a=b',
  )
  t.notMatch(kinds.expected('x', `redis://me:${'secret'.repeat(100)}@host`).message, /secret/, 'a long one')
  t.equal(kinds.expected('x', 'redis://:secret@host').message, 'expected x, got "redis://:***@host"')
})

const set = (...names: string[]) => new Set(names)
describeKind('options', kinds.options, {
  takes: [
    [['Indexes'], { on: set('Indexes') }],
    [['indexes', 'followsymlinks'], { on: set('Indexes', 'FollowSymLinks') }],
    [['None'], { on: set() }],
    [['+Indexes', '-MultiViews'], { on: set('Indexes'), off: set('MultiViews') }],
    [['+Indexes', '-Indexes'], { on: set(), off: set('Indexes') }],
    [['ExecCGI', 'Indexes'], { on: set('ExecCGI', 'Indexes') }],
    [['+ExecCGI'], { on: set('ExecCGI'), off: set() }],
    [['-ExecCGI'], { on: set(), off: set('ExecCGI') }],
    [
      ['-All'],
      {
        on: set(),
        off: set('Indexes', 'FollowSymLinks', 'SymLinksIfOwnerMatch', 'ExecCGI', 'Includes', 'IncludesNOEXEC'),
      },
    ],
  ],
  refuses: [
    [
      ['+Indexes', 'FollowSymLinks'],
      'expected words all with a sign or all without one, got "+Indexes FollowSymLinks"',
    ],
    [['None', 'Indexes'], 'expected None alone, without a sign, got "None"'],
    [['-None'], 'expected None alone, without a sign, got "-None"'],
    [
      ['+Index'],
      'expected Indexes, FollowSymLinks, SymLinksIfOwnerMatch, ExecCGI, Includes, IncludesNOEXEC, MultiViews, All or None, got "+Index"',
    ],
    [[], 'expected option words, got nothing'],
  ],
  notBuilt: [['+Includes'], ['MultiViews'], ['All']],
})

describeKind('errorDocument', kinds.errorDocument, {
  takes: [
    [['404', '/missing.html'], new Map([[404, { type: 'path', path: '/missing.html' }]])],
    [['404', 'Not', 'here'], new Map([[404, { type: 'text', text: 'Not here' }]])],
    [['404', 'Sorry'], new Map([[404, { type: 'text', text: 'Sorry' }]])],
    [['500', 'https://h/x'], new Map([[500, { type: 'url', url: 'https://h/x' }]])],
    [['500', 'Default'], new Map([[500, { type: 'default' }]])],
  ],
  refuses: [
    [['/missing.html'], 'expected a status from 400 to 599 and what answers it, got "/missing.html"'],
    [['302', '/x'], 'expected a status from 400 to 599 and what answers it, got "302 /x"'],
    [['404'], 'expected a path, a URL, a text or default after the status, got "404"'],
    [['404', '//h/x'], 'expected a URL path on this server, got "//h/x"'],
    [['404', 'ftp://h/x'], 'expected an http: or https: URL, got "ftp://h/x"'],
    [
      ['401', 'http://h/x'],
      'expected a path or a text for 401, since a browser asks for a password only on a 401, got "http://h/x"',
    ],
  ],
})

const syntax = '[300-599 | permanent | temp | seeother | gone] /URL-PATH [URL | /URL-PATH]'
describeKind('redirect', kinds.redirect, {
  takes: [
    [['/a', '/b'], [{ status: 302, from: '/a', to: '/b' }]],
    [['permanent', '/a', 'http://h/b'], [{ status: 301, from: '/a', to: 'http://h/b' }]],
    [['307', '/a', '/b'], [{ status: 307, from: '/a', to: '/b' }]],
    [['gone', '/a'], [{ status: 410, from: '/a' }]],
    [['404', '/a'], [{ status: 404, from: '/a' }]],
  ],
  refuses: [
    [['301', '/b'], 'expected a path and a target, got "301 /b"'],
    [['http://h/b'], 'expected a URL path that begins with /, got "http://h/b"'],
    [['/b'], 'expected a path and a target, got "/b"'],
    [['gone', '/a', '/b'], 'expected no target with the status 410, got "/b"'],
    [['/a', 'b'], 'expected a URL, or a path that begins with /, got "b"'],
    [['/a', '//h'], 'expected a URL, or a path that begins with /, got "//h"'],
    [['/a', '/b\r\nX: y'], 'expected a URL, or a path that begins with /, got "/b\\r\\nX: y"'],
    [['moved', '/a', '/b'], `expected ${syntax}, got "moved /a /b"`],
    [[], `expected ${syntax}, got nothing`],
  ],
})

const plain = { condition: 'onsuccess', name: 'X-A' } as const
describeKind('header', kinds.header, {
  takes: [
    [['set', 'X-A', 'a b'], [{ ...plain, action: 'set', value: 'a b' }]],
    [['Always', 'Set', 'X-A:', 'a'], [{ ...plain, condition: 'always', action: 'set', value: 'a' }]],
    [['onsuccess', 'unset', 'X-A'], [{ ...plain, action: 'unset' }]],
    [
      ['append', 'X-A', '%{LANG}e %t %D 100%%', 'env=!X'],
      [{ ...plain, action: 'append', value: '%{LANG}e %t %D 100%%', env: '!X' }],
    ],
    [['unset', 'X-A', 'env=X'], [{ ...plain, action: 'unset', env: 'X' }]],
    [['edit', 'X-A', '^a(.*)', 'b$1'], [{ ...plain, action: 'edit', value: '^a(.*)', replacement: 'b$1' }]],
    [['edit*', 'X-A', 'a', ''], [{ ...plain, action: 'edit*', value: 'a', replacement: '' }]],
    [['set', 'X-A', 'env=X'], [{ ...plain, action: 'set', value: 'env=X' }]],
  ],
  refuses: [
    [['put', 'X-A', 'a'], 'expected set, append, merge, add, unset, setifempty, edit or edit*, got "put"'],
    [['set', 'X A', 'a'], 'expected a header\'s name, got "X A"'],
    [['set'], 'expected a header\'s name, got "set"'],
    [['set', 'X-A'], 'expected set NAME VALUE [env=VARIABLE], a value with blanks in quotes, got "set X-A"'],
    [
      ['set', 'X-A', 'a', 'b'],
      'expected env=VARIABLE at the end, and a value with blanks in quotes, got "set X-A a b"',
    ],
    [
      ['set', 'X-A', 'a', 'b', 'c'],
      'expected set NAME VALUE [env=VARIABLE], a value with blanks in quotes, got "set X-A a b c"',
    ],
    [
      ['edit', 'X-A', 'a'],
      'expected edit NAME PATTERN REPLACEMENT [env=VARIABLE], a value with blanks in quotes, got "edit X-A a"',
    ],
    [['edit', 'X-A', '(', 'b'], 'expected a regular expression, got "("'],
    [['set', 'X-A', 'a\r\nB: c'], 'expected a header value without control characters, got "a\\r\\nB: c"'],
    [['set', 'X-A', '50%'], 'expected %{VARIABLE}e, %t, %D or %%, got "%"'],
    [['set', 'X-A', '%{A}x'], 'expected %{VARIABLE}e, %t, %D or %%, got "%{A}x"'],
    [['set', 'Content-Length', '3'], 'expected a header other than those of its length, got "Content-Length"'],
    [['unset', 'transfer-encoding'], 'expected a header other than those of its length, got "transfer-encoding"'],
    [[], 'expected set, append, merge, add, unset, setifempty, edit or edit*, got nothing'],
  ],
  notBuilt: [
    ['echo', '^X'],
    ['note', 'X', 'n'],
    ['set', 'X-A', 'a', 'expr=true'],
    ['set', 'X-A', 'a', 'early'],
  ],
})

describeKind('variable', kinds.variable, {
  takes: [
    [['A', 'b c'], new Map([['A', 'b c']])],
    [['A'], new Map([['A', '']])],
    [['PSOCookieSession_Max-Age', '60'], new Map([['PSOCookieSession_Max-Age', '60']])],
  ],
  refuses: [
    [['A=b'], 'expected a variable\'s name, got "A=b"'],
    [['A', 'b', 'c'], 'expected NAME [VALUE], a value with blanks in quotes, got "A b c"'],
    [[], "expected a variable's name, got nothing"],
  ],
})

describeKind('unsetVariables', kinds.unsetVariables, {
  takes: [
    [
      ['A', 'B'],
      new Map([
        ['A', undefined],
        ['B', undefined],
      ]),
    ],
  ],
  refuses: [[[], 'expected names of variables, got nothing']],
})

describeKind('passedVariables takes what the environment has', kinds.passedVariables, {
  takes: [
    [
      ['LANG', 'EMPTY', 'HOME'],
      new Map([
        ['LANG', 'C'],
        ['EMPTY', ''],
      ]),
    ],
  ],
  refuses: [[['A=b'], 'expected a variable\'s name, got "A=b"']],
})

t.test('what is passed is not shown', async t => {
  t.equal(kinds.passedVariables.show(kinds.passedVariables.parse(['LANG'], context)), 'LANG')
})

describeKind('handlerOption', kinds.handlerOption, {
  takes: [
    [['colour', 'light blue'], new Map([['colour', 'light blue']])],
    [['colour'], new Map([['colour', '']])],
  ],
  refuses: [
    [['colour', 'light', 'blue'], 'expected NAME [VALUE], a value with blanks in quotes, got "colour light blue"'],
  ],
})

describeKind('requirement', kinds.requirement, {
  takes: [
    [['all', 'granted'], 'granted'],
    [['All', 'Denied'], 'denied'],
  ],
  refuses: [
    [['all'], 'expected all granted or all denied, got "all"'],
    [['granted'], 'expected all granted or all denied, got "granted"'],
    [[], 'expected all granted or all denied, got nothing'],
  ],
  notBuilt: [['ip', '10.0.0.0/8'], ['valid-user'], ['not', 'all', 'granted'], ['expr', 'true']],
})

describeKind('overrides', kinds.overrides, {
  takes: [
    [['None'], set()],
    [['all'], set('AuthConfig', 'FileInfo', 'Indexes', 'Limit', 'Options', 'Session', 'Handlers')],
    [['fileinfo', 'Session'], set('FileInfo', 'Session')],
  ],
  refuses: [
    [['All', 'None'], 'expected All alone, got "All None"'],
    [['Files'], 'expected All, None, AuthConfig, FileInfo, Indexes, Limit, Options, Session or Handlers, got "Files"'],
  ],
  notBuilt: [['Options=Indexes,FollowSymLinks'], ['Nonfatal=All']],
})

describeKind('address', kinds.address, {
  takes: [
    [['8080'], { host: '::', port: 8080 }],
    [['*:80'], { host: '::', port: 80 }],
    [['127.0.0.1:0'], { host: '127.0.0.1', port: 0 }],
    [['[::1]:8080'], { host: '::1', port: 8080 }],
    [['localhost:8080'], { host: 'localhost', port: 8080 }],
  ],
  refuses: [
    [['65536'], 'expected PORT, ADDRESS:PORT or [IPV6-ADDRESS]:PORT, got "65536"'],
    [['::1:8080'], 'expected PORT, ADDRESS:PORT or [IPV6-ADDRESS]:PORT, got "::1:8080"'],
    [['[1.2.3.4]:80'], 'expected PORT, ADDRESS:PORT or [IPV6-ADDRESS]:PORT, got "[1.2.3.4]:80"'],
    [['127.0.0.300:80'], 'expected PORT, ADDRESS:PORT or [IPV6-ADDRESS]:PORT, got "127.0.0.300:80"'],
    [['localhost'], 'expected PORT, ADDRESS:PORT or [IPV6-ADDRESS]:PORT, got "localhost"'],
  ],
})

describeKind('hostName', kinds.hostName, {
  takes: [
    [['www.example.test'], 'www.example.test'],
    [['127.0.0.1'], '127.0.0.1'],
  ],
  refuses: [
    [['a b'], 'expected a host name, got "a b"'],
    [['a/b'], 'expected a host name, got "a/b"'],
  ],
  notBuilt: [['example.test:80'], ['https://example.test']],
})

describeKind('proxy', kinds.proxy, {
  takes: [
    [['Loopback'], 'loopback'],
    [['10.0.0.0/8'], '10.0.0.0/8'],
    [['fd00::/8'], 'fd00::/8'],
    [['192.0.2.1'], '192.0.2.1'],
  ],
  refuses: [
    [
      ['10.0.0.0/33'],
      'expected an address, a network like 10.0.0.0/8, loopback, linklocal or uniquelocal, got "10.0.0.0/33"',
    ],
    [
      ['proxy.test'],
      'expected an address, a network like 10.0.0.0/8, loopback, linklocal or uniquelocal, got "proxy.test"',
    ],
  ],
})

describeKind('logFormat', kinds.logFormat, {
  takes: [
    [['common'], '%h %l %u %t "%r" %>s %b'],
    [['combined'], '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'],
    [['%h %{Referer}i %{X}o 100%% %s'], '%h %{Referer}i %{X}o 100%% %s'],
  ],
  refuses: [
    [['%h', '%l'], 'expected common, combined or one format in quotes, got "%h %l"'],
    [['short'], 'expected common, combined or one format in quotes, got "short"'],
    [['%h %z'], 'expected a log format\'s directive, got "%z"'],
    [['%{%Y}t'], 'expected a log format\'s directive, got "%{%Y}t"'],
    [['%h\n'], 'expected common, combined or one format in quotes, got "%h\\n"'],
  ],
})

t.test('showWord quotes what would be read differently without', async t => {
  for (const [word, shown] of [
    ['plain', 'plain'],
    ['a#b', 'a#b'],
    ['#fff', '"#fff"'],
    [';', '";"'],
    ['', '""'],
    ['a b', '"a b"'],
    ['say "hi"', '"say \\"hi\\""'],
    ['back\\slash', 'back\\slash'],
    ['end\\', '"end\\\\"'],
    ["it's", '"it\'s"'],
  ] as const)
    t.equal(kinds.showWord(word), shown)
})
