import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { answers, cgiSite, sh } from '../../support/cgi-site.ts'
import { does, says } from '../../support/handlers.ts'
import { programOf } from '../../support/packages.ts'
import { dial, head } from '../../support/wire.ts'

/** `interpreter`: not what starts it, which may change the environment. */
const python = (interpreter: string): string => `#!${interpreter}
import os, sys
body = sys.stdin.buffer.read()
sys.stdout.write("Content-Type: text/plain; charset=utf-8\\r\\n\\r\\n")
sys.stdout.flush()
for name in sorted(os.environ): print(name + "=" + os.environ[name])
print("argv=%d cwd=%s" % (len(sys.argv), os.getcwd()))
sys.stdout.flush()
sys.stdout.buffer.write(body)
`
const perl = `#!/usr/bin/env perl
binmode STDIN; binmode STDOUT;
local $/; my $body = <STDIN>;
print "Content-Type: text/plain; charset=utf-8\\n\\n";
print "$_=$ENV{$_}\\n" for sort keys %ENV;
use Cwd; print "argv=", 1 + @ARGV, " cwd=", getcwd(), "\\n", $body;
`
const shell = answers('env | sort', 'echo "argv=$((1 + $#)) cwd=$(pwd)"', 'exec cat')
const c = `#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
  char at[4096]; int c; (void)argv;
  puts("Content-Type: text/plain; charset=utf-8\\n");
  for (char **e = environ; *e; e++) puts(*e);
  printf("argv=%d cwd=%s\\n", argc, getcwd(at, sizeof at));
  while ((c = getchar()) != EOF) putchar(c);
  return 0;
}
`

const realPython = (command: string): string =>
  execFileSync(command, ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()

/** The variables that a program printed; what the shell and python set for themselves is theirs, and tap puts its own into all that it sees. */
const variablesOf = (body: string): Record<string, string> =>
  Object.fromEntries(
    [...body.split('\nargv=')[0]!.matchAll(/^(\w+)=(.*)$/gm)]
      .map(([, name, value]) => [name!, value!] as const)
      .filter(([name, value]) => !name.startsWith('_TAPJS_') && !(name === 'NODE_OPTIONS' && value.includes('tapjs')))
      .filter(([name]) => !['PWD', 'OLDPWD', 'SHLVL', '_', 'LC_CTYPE', '__CF_USER_TEXT_ENCODING'].includes(name)),
  )

t.test('programs in any language have the whole environment of CGI and the body, and no more', async t => {
  const [hasPython, hasPerl, compiler] = [
    programOf(t, 'python3'),
    programOf(t, 'perl'),
    programOf(t, 'build-essential'),
  ]
  process.env['PSO_TEST_SECRET'] = 'secret'
  t.teardown(() => delete process.env['PSO_TEST_SECRET'])
  const app = await cgiSite(
    t,
    {
      'sh.cgi': shell,
      ...(hasPython === undefined ? {} : { 'python.cgi': python(realPython(hasPython)) }),
      ...(hasPerl === undefined ? {} : { 'perl.cgi': perl }),
    },
    { lines: 'SetEnv = COLOUR "light blue"\nSetEnv = REQUEST_METHOD mine\nSetEnv = HTTP_X_A mine' },
  )
  const names = ['sh.cgi', ...(hasPython ? ['python.cgi'] : []), ...(hasPerl ? ['perl.cgi'] : [])]
  if (compiler !== undefined) {
    writeFileSync(join(app.root, 'echo.c'), c)
    execFileSync(compiler, ['-o', join(app.root, 'c.cgi'), join(app.root, 'echo.c')])
    names.push('c.cgi')
  }
  const { port } = new URL(await app.url())
  for (const name of names) {
    const payload = 'a=1&b=%20é&c=\0\xff'
    const response = await fetch(`${await app.url()}/${name}/path%20info/%C3%A9?x+y&z=%41`, {
      method: 'POST',
      body: payload,
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Language': 'de',
        'User-Agent': 'tests',
        Accept: '*/*',
        'Accept-Language': 'de',
        'Accept-Encoding': 'identity',
        'Sec-Fetch-Mode': 'cors',
        Connection: 'close',
        Proxy: 'http://evil.test/',
        X_Under: 'dropped',
        Authorization: 'Basic c2VjcmV0',
        'Proxy-Authorization': 'Basic c2VjcmV0',
        'X-A': 'a',
        Cookie: 'a=1; b=2',
      },
    })
    const body = await response.text()
    t.equal(response.status, 200, name)
    const bytes = Buffer.byteLength(payload)
    t.ok(body.endsWith(payload), `${name}: the body`)
    t.ok(body.includes(`\nargv=1 cwd=${app.root}\n`), `${name}: no arguments, and the directory of the program`)
    const { REMOTE_PORT, UNIQUE_ID, ...variables } = variablesOf(body)
    t.match(UNIQUE_ID, /^[\w-]{22}$/)
    t.match(REMOTE_PORT, /^\d+$/)
    t.same(
      variables,
      {
        COLOUR: 'light blue',
        CONTENT_LENGTH: String(bytes),
        CONTENT_TYPE: 'application/x-www-form-urlencoded',
        CONTEXT_DOCUMENT_ROOT: app.root,
        CONTEXT_PREFIX: '',
        DOCUMENT_ROOT: app.root,
        GATEWAY_INTERFACE: 'CGI/1.1',
        HTTP_ACCEPT: '*/*',
        HTTP_ACCEPT_ENCODING: 'identity',
        HTTP_ACCEPT_LANGUAGE: 'de',
        HTTP_CONNECTION: 'close',
        HTTP_CONTENT_LANGUAGE: 'de',
        HTTP_COOKIE: 'a=1; b=2',
        HTTP_HOST: `127.0.0.1:${port}`,
        HTTP_SEC_FETCH_MODE: 'cors',
        HTTP_USER_AGENT: 'tests',
        HTTP_X_A: 'a',
        PATH: `${process.env['PATH']}:${join(import.meta.dirname, '../../../server/bin')}`,
        PATH_INFO: '/path info/é',
        PATH_TRANSLATED: `${app.root}/path info/é`,
        QUERY_STRING: 'x+y&z=%41',
        REMOTE_ADDR: '127.0.0.1',
        REQUEST_METHOD: 'POST',
        REQUEST_SCHEME: 'http',
        REQUEST_URI: `/${name}/path%20info/%C3%A9?x+y&z=%41`,
        SCRIPT_FILENAME: join(app.root, name),
        SCRIPT_NAME: `/${name}`,
        SERVER_ADDR: '127.0.0.1',
        SERVER_NAME: '127.0.0.1',
        SERVER_PORT: port,
        SERVER_PROTOCOL: 'HTTP/1.1',
        SERVER_SIGNATURE: '',
        SERVER_SOFTWARE: 'pso',
      },
      name,
    )
  }
})

t.test('without a query, path info, body: those variables are as RFC 3875 has them', async t => {
  const app = await cgiSite(t, { 'env.cgi': shell })
  const { body } = await app.inject({ url: '/env.cgi', headers: { host: 'h.test:81' } })
  const variables = variablesOf(body)
  t.match(variables, { QUERY_STRING: '', SERVER_NAME: 'h.test', SERVER_PORT: '81', REQUEST_METHOD: 'GET' })
  for (const name of ['PATH_INFO', 'PATH_TRANSLATED', 'CONTENT_LENGTH', 'CONTENT_TYPE', 'REMOTE_USER', 'AUTH_TYPE'])
    t.notOk(name in variables, name)
  const plain = variablesOf((await app.inject({ url: '/env.cgi', headers: { host: 'h.test' } })).body)
  t.equal(plain['SERVER_PORT'], '80', 'the port of the URL that the client used')
})

t.test('CGIPassAuth passes the Authorization on', async t => {
  const app = await cgiSite(t, { 'env.cgi': shell }, { lines: 'CGIPassAuth = on' })
  const headers = { authorization: 'Basic abc', 'proxy-authorization': 'Basic def' }
  const variables = variablesOf((await app.inject({ url: '/env.cgi', headers })).body)
  t.match(variables, { HTTP_AUTHORIZATION: 'Basic abc', HTTP_PROXY_AUTHORIZATION: 'Basic def' })
})

t.test('functions of earlier phases set its user and its variables', async t => {
  const app = await cgiSite(
    t,
    { 'env.cgi': shell },
    {
      lines: 'PSOAuthenHandler = auth.ts::authen\nSetEnv = COLOUR blue\nSetEnv = PATH /bin:/usr/bin:/mine',
      tree: {
        'auth.ts':
          'export const authen = (req: any) => { req.user = "ada"; req.authType = "Basic"; req.subprocessEnv.COLOUR = "red"; req.subprocessEnv.MINE = "1"; req.subprocessEnv.REQUEST_METHOD = "PUT"; return 0 }\n',
      },
    },
  )
  t.match(variablesOf((await app.inject('/env.cgi')).body), {
    REMOTE_USER: 'ada',
    AUTH_TYPE: 'Basic',
    COLOUR: 'red',
    MINE: '1',
    REQUEST_METHOD: 'GET',
    PATH: '/bin:/usr/bin:/mine',
  })
})

t.test('what is run: ExecCGI and a handler name, by the last extension; never the source', async t => {
  const program = answers('echo ran')
  const app = await cgiSite(
    t,
    { 'a.cgi': program, 'a.cgi.txt': program, 'b.pl': program, 'A.CGI': program },
    {
      tree: {
        off: { '.psoaccess': 'Options = -ExecCGI', 'a.cgi': program },
        all: { '.psoaccess': 'SetHandler = cgi-script', run: program, 'x.ts': program },
        shown: { '.psoaccess': 'SetHandler = default-handler', 'a.cgi': program },
        handled: { '.psoaccess': '', 'handler.ts': says('the handler'), 'a.cgi': program },
        exact: { '.psoaccess': 'AcceptPathInfo = off', 'a.cgi': program },
        index: { '.psoaccess': 'DirectoryIndex = start.cgi', 'start.cgi': program },
      },
    },
  )
  for (const name of ['all/run', 'all/x.ts', 'handled/a.cgi', 'exact/a.cgi', 'off/a.cgi', 'index/start.cgi'])
    chmodSync(join(app.root, name), 0o755)
  for (const [url, status, body] of [
    ['/a.cgi', 200, 'ran\n'],
    ['/A.CGI', 200, 'ran\n'],
    ['/a.cgi/path/info', 200, 'ran\n'],
    ['/a.cgi.txt', 200, program],
    ['/b.pl', 200, program],
    ['/off/a.cgi', 403, undefined],
    ['/all/run', 200, 'ran\n'],
    ['/all/x.ts', 200, 'ran\n'],
    ['/all/none', 404, undefined],
    ['/shown/a.cgi', 200, program],
    ['/handled/a.cgi', 200, 'ran\n'],
    ['/handled/none.cgi', 200, 'the handler'],
    ['/exact/a.cgi', 200, 'ran\n'],
    ['/exact/a.cgi/x', 404, undefined],
    ['/index/', 200, 'ran\n'],
  ] as const) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url)
    if (body !== undefined) t.equal(answer.body, body, url)
    else t.notMatch(answer.body, /ran/, url)
  }
  t.match(app.errorLog(), /GET \/off\/a.cgi 403: Options has no ExecCGI, which cgi-script needs/)
  const options = await app.inject({ method: 'OPTIONS', url: '/a.cgi' })
  t.same([options.statusCode, options.headers['allow'], options.body], [200, 'GET, HEAD, POST, OPTIONS', ''])
  for (const method of ['PUT', 'DELETE', 'PATCH'] as const)
    t.equal((await app.inject({ method, url: '/a.cgi' })).body, 'ran\n', method)
})

t.test(
  'links: to programs and to handlers within the root; out of it where Options says so; never to what is hidden',
  async t => {
    const app = await cgiSite(
      t,
      { 'real.cgi': answers('echo "$SCRIPT_FILENAME"'), 'handler.ts': `#!/bin/sh\necho; echo ran the handler\n` },
      {
        tree: { open: { '.psoaccess': 'Options = +FollowSymLinks' } },
      },
    )
    const outside = join(app.root, '..', 'outside.cgi')
    writeFileSync(outside, answers('echo outside'), { mode: 0o755 })
    mkdirSync(join(app.root, '.git'))
    writeFileSync(join(app.root, '.git', 'hook'), answers('echo secret'), { mode: 0o755 })
    symlinkSync('real.cgi', join(app.root, 'link.cgi'))
    symlinkSync('handler.ts', join(app.root, 'soft.cgi'))
    linkSync(join(app.root, 'handler.ts'), join(app.root, 'hard.cgi'))
    symlinkSync('handler.ts', join(app.root, 'handler.txt'))
    symlinkSync('.git/hook', join(app.root, 'hook.cgi'))
    symlinkSync('.psoaccess', join(app.root, 'access.cgi'))
    symlinkSync(outside, join(app.root, 'out.cgi'))
    symlinkSync(outside, join(app.root, 'open', 'out.cgi'))
    for (const [url, status, body] of [
      ['/link.cgi', 200, `${app.root}/link.cgi\n`],
      ['/soft.cgi', 200, 'ran the handler\n'],
      ['/hard.cgi', 200, 'ran the handler\n'],
      ['/open/out.cgi', 200, 'outside\n'],
      ['/out.cgi', 403, undefined],
    ] as const) {
      const answer = await app.inject(url)
      t.equal(answer.statusCode, status, url)
      if (body !== undefined) t.equal(answer.body, body, url)
    }
    for (const url of ['/hook.cgi', '/access.cgi', '/handler.txt', '/handler.ts'])
      t.notMatch((await app.inject(url)).body, /secret|ran the|ExecCGI|#!/, url)
  },
)

t.test('ScriptAlias: all files of a directory are programs, whatever Options say', async t => {
  const app = await cgiSite(
    t,
    {},
    {
      ini: 'ScriptAlias = /cgi-bin/ programs\n[Directory programs]\nSetEnv = FROM section\n[/Directory]',
      programs: {
        run: answers('echo "$FROM $CONTEXT_PREFIX $CONTEXT_DOCUMENT_ROOT $SCRIPT_NAME $PATH_INFO $PATH_TRANSLATED"'),
        'data.txt': 'no program',
        'handler.ts': says('no'),
        '.hidden': answers('echo no'),
        shut: { '.psoaccess': 'Require = all denied', run: answers('echo no') },
        wrong: { '.psoaccess': 'Nonsense = 1', run: answers('echo no') },
      },
    },
  )
  const top = join(app.root, '..')
  for (const name of ['run', '.hidden', 'shut/run', 'wrong/run']) chmodSync(join(top, 'programs', name), 0o755)
  symlinkSync('/bin/true', join(top, 'programs', 'out'))
  const ran = await app.inject('/cgi-bin/run/a/b')
  t.equal(ran.body, `section /cgi-bin/ ${top}/programs/ /cgi-bin/run /a/b ${app.root}/a/b\n`)
  for (const [url, status] of [
    ['/cgi-bin/data.txt', 500],
    ['/cgi-bin/', 403],
    ['/cgi-bin', 404],
    ['/cgi-bin/shut', 403],
    ['/cgi-bin/shut/run', 403],
    ['/cgi-bin/wrong/run', 500],
    ['/cgi-bin/none', 404],
    ['/cgi-bin/.hidden', 404],
    ['/cgi-bin/handler.ts', 404],
    ['/cgi-bin/out', 403],
    ['/cgi-bin/../conf/server.ini', 404],
    ['/programs/run', 404],
  ] as const) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url)
    t.notMatch(answer.body, /no program|^no$/m, url)
  }
})

t.test('what it says on standard error is in the log, line by line, and no more than 64 KiB of it', async t => {
  const app = await cgiSite(t, {
    'err.cgi': answers(
      'echo "one" >&2; printf "two\\r\\n\\nth\\033ree" >&2',
      'echo /dev/stderr works > /dev/stderr',
      'echo shown',
    ),
    'flood.cgi': answers(
      'head -c 1000000 /dev/zero | tr "\\0" x >&2',
      'yes line 2>/dev/null | head -n 20000 >&2',
      'echo shown',
    ),
  })
  t.equal((await app.inject('/err.cgi')).body, 'shown\n')
  const from = `stderr from ${join(app.root, 'err.cgi')}: `
  for (const line of ['one', 'two', 'th\\x1bree']) t.ok(app.errorLog().includes(`${from}${line}`), line)
  t.match(app.errorLog(), /\/dev\/stderr works/)
  const before = app.errorLog().length
  t.equal((await app.inject('/flood.cgi')).body, 'shown\n')
  const added = app.errorLog().slice(before)
  t.ok(added.length < 70_000, `${added.length}`)
  t.match(added, /more than 65536 characters: the rest is left out/)
})

t.test('an nph- program may be silent for longer than Timeout, which is the client’s', async t => {
  const app = await cgiSite(
    t,
    { 'nph-slow.cgi': sh('printf "HTTP/1.1 200 OK\\r\\n\\r\\nhalf"', 'sleep 1.5', 'printf " all"') },
    { ini: 'Timeout = 1', lines: 'CGIScriptTimeout = 10' },
  )
  t.equal(await (await fetch(`${await app.url()}/nph-slow.cgi`)).text(), 'half all')
})

t.test('nph- programs write to the connection themselves, and it is closed behind them', async t => {
  const app = await cgiSite(t, {
    'nph-a.cgi': sh('printf "HTTP/1.1 203 Mine\\nX-A: 1\\n\\n$REQUEST_METHOD"', 'head -c 300000 /dev/zero'),
    'nph-none.cgi': sh('exit 0'),
    'nph-killed.cgi': sh('printf "HTTP/1.1 200 OK\\n\\nhalf"', 'sleep 0.1; kill -9 $$'),
  })
  const ask = async (heads: string): Promise<string> => text(dial(await app.url(), heads))
  const raw = await ask(head('GET /nph-a.cgi'))
  t.ok(raw.startsWith('HTTP/1.1 203 Mine\nX-A: 1\n\nGET\0'))
  t.equal(raw.length, 'HTTP/1.1 203 Mine\nX-A: 1\n\nGET'.length + 300_000)
  const both = await ask(head('GET /.none') + head('GET /nph-a.cgi'))
  t.match(both, /^HTTP\/1.1 404 .*HTTP\/1.1 203 Mine/s, 'after the answer to the request before it')
  t.match(await ask(head('GET /nph-none.cgi', 'Connection: close')), /^HTTP\/1.1 500 /)
  await t.rejects(ask(head('GET /nph-killed.cgi')), { code: 'ECONNRESET' }, 'half is not all')
  t.match(app.errorLog(), /nph-killed.cgi was ended by SIGKILL/)
})

t.test('the log phase runs when a program has answered', async t => {
  const app = await cgiSite(
    t,
    { 'a.cgi': answers('echo a') },
    {
      lines: 'PSOLogHandler = log.ts::log\nPSOFixupHandler = pso::fixup log.ts::fixup',
      tree: {
        'log.ts': `${does('')}export const log = (req: any) => { req.logError('log ' + req.status) }\nexport const fixup = () => 0\n`,
      },
    },
  )
  t.equal((await app.inject('/a.cgi')).body, 'a\n')
  while (!app.errorLog().includes('log 200')) await setImmediate()
})
