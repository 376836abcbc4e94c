import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { counter, does, Jar, tellsEnviron, visit } from '../support/handlers.ts'
import { cli } from '../support/project.ts'
import { startPso } from '../support/pso-process.ts'
import { plant, type Tree } from '../support/site.ts'

/** A handler's file that is a program too. */
const program = (handler: string): string => `#!/usr/bin/env -S pso cgi\n${handler}`

interface Ran {
  readonly exit: number | string
  /** The lines of the head. */
  readonly head: readonly string[]
  readonly body: string
  readonly errors: string
}

/** A site of programs: `run` is a shell with these variables and no other, `serve` a server that has `pso` in its PATH. */
function programs(
  t: Test,
  tree: Tree,
): { file(path: string): string; run(path: string, environ?: Environ): Promise<Ran>; serve(): Promise<string> } {
  const top = t.testdir()
  plant(top, { conf: { 'server.ini': 'Listen = 127.0.0.1:0\n' }, public_html: tree })
  mkdirSync(join(top, 'bin'))
  // as npm installs it
  writeFileSync(join(top, 'bin/pso'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`, { mode: 0o755 })
  const file = (path: string): string => join(top, 'public_html', path)
  return {
    file,
    async run(path, environ = {}) {
      const variables = Object.entries(environ).map(pair => pair.join('='))
      const ran = startPso(t, ['cgi', file(path)], { cwd: top, under: ['env', '-i', ...variables] })
      const exit = await ran.ended
      const [, head = '', body = ''] = /^(.*?)\r?\n\r?\n(.*)$/s.exec(ran.out()) ?? []
      return { exit, head: head.split(/\r?\n/), body, errors: ran.errors() }
    },
    serve: () =>
      startPso(t, ['serve', '--dev', '--config', join(top, 'conf/server.ini')], {
        under: ['env', `PATH=${join(top, 'bin')}:${process.env.PATH}`],
      }).url,
  }
}

type Environ = Readonly<Record<string, string>>

/** What a web server says of a GET request. */
const environOf = (url: string, more: Environ = {}): Environ => ({
  GATEWAY_INTERFACE: 'CGI/1.1',
  SERVER_PROTOCOL: 'HTTP/1.1',
  SERVER_NAME: 'www.example.test',
  SERVER_PORT: '8080',
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '/shop',
  QUERY_STRING: url.split('?')[1] ?? '',
  REQUEST_URI: url,
  HTTP_HOST: 'www.example.test:8080',
  ...more,
})

t.test('30: a redirect of a program has a Status line', async t => {
  const { run } = programs(t, {
    '.psoaccess': 'PSOServiceId = s',
    'redirects.ts': does(`
      req.pso().session.here = 1
      req.write('written before')
      req.pso().redirect('/x', req.args === 'permanent')`),
  })
  for (const [url, status] of [
    ['/shop', 302],
    ['/shop?permanent', 301],
  ] as const) {
    const { head, body, errors } = await run('redirects.ts', environOf(url))
    t.ok(
      head.some(line => line.startsWith(`Status: ${status} `)),
      `${head} ${errors}`,
    )
    t.ok(head.includes('Location: /x'))
    t.equal(head.filter(line => /^Set-Cookie: s=/i.test(line)).length, 1)
    t.notMatch(body, 'written')
  }
})

t.test('34: a program has the variables of its request, in a shell and under our server', async t => {
  const { file, run, serve } = programs(t, {
    '.psoaccess': 'Options = ExecCGI\nAddHandler = cgi-script .cgi',
    'tells.cgi': program(tellsEnviron),
  })
  chmodSync(file('tells.cgi'), 0o755)
  const url = '/shop/cart/a%20b?a=%20b&c'
  const { body, errors } = await run('tells.cgi', environOf(url, { PATH_INFO: '/cart/a b' }))
  t.same(
    JSON.parse(body || 'null'),
    {
      REQUEST_METHOD: 'GET',
      PATH_INFO: '/cart/a b',
      SCRIPT_NAME: '/shop',
      QUERY_STRING: 'a=%20b&c',
      REQUEST_URI: url,
      HTTP_HOST: 'www.example.test:8080',
    },
    errors,
  )

  const server = await serve()
  const answer = await fetch(`${server}/tells.cgi/cart/a%20b?a=%20b&c`)
  t.same(JSON.parse(await answer.text()), {
    REQUEST_METHOD: 'GET',
    PATH_INFO: '/cart/a b',
    SCRIPT_NAME: '/tells.cgi',
    QUERY_STRING: 'a=%20b&c',
    REQUEST_URI: '/tells.cgi/cart/a%20b?a=%20b&c',
    HTTP_HOST: new URL(server).host,
  })
})

t.test('35: one file in a shell, as .cgi and as a module: the same page', async t => {
  const { file, run, serve } = programs(t, {
    // the program lies where no .psoaccess makes it a page
    program: { 'psotest.ts': program(counter) },
    module: { '.psoaccess': 'PSOHandler = ../program/psotest' },
    cgi: {
      '.psoaccess': 'Options = ExecCGI Indexes\nAddHandler = cgi-script .cgi\nSetEnv = PSOServiceId MyPSOTest\n',
    },
  })
  chmodSync(file('program/psotest.ts'), 0o755)
  symlinkSync('../program/psotest.ts', file('cgi/psotest.cgi'))

  const { exit, head, body, errors } = await run('program/psotest.ts')
  t.equal(exit, 0, errors)
  t.equal(visit(body), 1)
  const names = head.map(line => line.replace(/:.*/, '').toLowerCase())
  t.ok(names.includes('set-cookie'), `${head}`)
  t.ok(names.indexOf('set-cookie') < names.indexOf('content-type'), `in the order of the how-to: ${head}`)
  t.match(head.join('\n'), /^content-type: text\/html/im)

  const server = await serve()
  const asCgi = await fetch(`${server}/cgi/psotest.cgi`)
  t.equal(asCgi.status, 200)
  t.match(asCgi.headers.get('set-cookie'), /^MyPSOTest=/)
  t.equal(await asCgi.text(), body)
  const jar = new Jar().take({ 'set-cookie': asCgi.headers.getSetCookie() })
  t.equal(visit(await (await fetch(`${server}/cgi/psotest.cgi`, { headers: jar.headers as Environ })).text()), 2)
  const asModule = await fetch(`${server}/module/`)
  t.equal(await asModule.text(), body)
})

t.test('36: a program that throws is one well-formed 500; in production only stderr tells why', async t => {
  const { file, run, serve } = programs(t, {
    '.psoaccess': 'Options = ExecCGI\nAddHandler = cgi-script .cgi\nPSOServiceId = s',
    'throws.cgi': program(does("req.write('partial'); throw new Error('on purpose')")),
  })
  chmodSync(file('throws.cgi'), 0o755)
  // standard output is no terminal: production (DESIGN 8); ErrorLog is stderr unless it is set
  const { head, body, errors } = await run('throws.cgi', environOf('/throws.cgi'))
  t.equal(head.filter(line => /^Status: 500 /i.test(line)).length, 1, `${head} ${errors}`)
  t.equal(head.filter(line => /^Content-Type: /i.test(line)).length, 1)
  for (const line of head) t.match(line, /^[\w-]+: /)
  t.match(body, '500')
  t.notMatch(body, /partial|on purpose|throws\.cgi/)
  t.match(errors, /on purpose.*throws\.cgi:\d/)

  const answer = await fetch(`${await serve()}/throws.cgi`)
  t.equal(answer.status, 500)
  t.notMatch(await answer.text(), 'partial')
})
