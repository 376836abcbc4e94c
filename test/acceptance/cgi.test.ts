import { symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { counter, does, Jar, tellsEnviron, visit } from '../support/handlers.ts'
import {
  apacheVariables,
  makeExecutable,
  type Printed,
  plantPso,
  plantSite,
  psoCgi,
  runProgram,
} from '../support/program.ts'
import { startPso } from '../support/pso-process.ts'
import type { Tree } from '../support/site.ts'

/** A handler's file that is a program too. */
const program = (handler: string): string => `#!/usr/bin/env -S pso cgi\n${handler}`

type Variables = Readonly<Record<string, string>>

/** A site of programs: `run` is a shell with these variables and no other, `serve` a server that has `pso` in its PATH. */
function programs(
  t: Test,
  tree: Tree,
): { file(path: string): string; run(path: string, env?: Variables): Promise<Printed>; serve(): Promise<string> } {
  const top = plantSite(t, tree, 'Listen = 127.0.0.1:0\n')
  const bin = join(top, 'bin')
  plantPso(bin)
  const file = (path: string): string => join(top, 'public_html', path)
  return {
    file,
    run: (path, env = {}) => runProgram(t, [...psoCgi(), file(path)], { env }),
    serve: () =>
      startPso(t, ['serve', '--dev', '--config', join(top, 'conf/server.ini')], {
        under: ['env', `PATH=${bin}${delimiter}${process.env.PATH}`],
      }).url,
  }
}

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
    const { head, body, errors } = await run('redirects.ts', apacheVariables('/shop', url))
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
  makeExecutable(file('tells.cgi'))
  const url = '/shop/cart/a%20b?a=%20b&c'
  const { body, errors } = await run('tells.cgi', apacheVariables('/shop', url))
  t.same(
    JSON.parse(body || 'null'),
    {
      REQUEST_METHOD: 'GET',
      PATH_INFO: '/cart/a b',
      SCRIPT_NAME: '/shop',
      QUERY_STRING: 'a=%20b&c',
      REQUEST_URI: url,
      HTTP_HOST: 'shop.test:8080',
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
  makeExecutable(file('program/psotest.ts'))
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
  t.equal(visit(await (await fetch(`${server}/cgi/psotest.cgi`, { headers: jar.headers as Variables })).text()), 2)
  const asModule = await fetch(`${server}/module/`)
  t.equal(await asModule.text(), body)
})

t.test('36: a program that throws is one well-formed 500; in production only stderr tells why', async t => {
  const { file, run, serve } = programs(t, {
    '.psoaccess': 'Options = ExecCGI\nAddHandler = cgi-script .cgi\nPSOServiceId = s',
    'throws.cgi': program(does("req.write('partial'); throw new Error('on purpose')")),
  })
  makeExecutable(file('throws.cgi'))
  // standard output is no terminal: production (DESIGN 8)
  const { head, body, errors } = await run('throws.cgi', apacheVariables('/throws.cgi', '/throws.cgi'))
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
