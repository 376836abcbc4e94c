import { mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { counter } from '../../support/handlers.ts'
import { startPso } from '../../support/pso-process.ts'
import { plant } from '../../support/site.ts'

/** A site where each URL has an answer of its own kind. */
function planted(t: Test): string {
  const top = realpathSync(t.testdir({}))
  plant(join(top, 'conf'), {
    'server.ini': 'ScriptAlias = /cgi-bin/ programs\n[Location /secret]\nRequire = all denied\n',
  })
  plant(join(top, 'elsewhere'), { 'a.html': 'a' })
  plant(join(top, 'programs'), { run: '#!/bin/sh\n', '.psoaccess': 'CGIScriptTimeout = 5' })
  plant(join(top, 'public_html'), {
    '.psoaccess': 'Options = Indexes',
    'page.html': 'page',
    index: { 'index.html': 'index' },
    cgi: {
      '.psoaccess': 'Options = +ExecCGI\nAddHandler = cgi-script .cgi .pl\n[Files *.pl]\nOptions = -ExecCGI',
      'a.cgi': '',
      'a.pl': '',
    },
    shop: { '.psoaccess': '', 'handler.ts': counter, below: { '.psoaccess': 'Options = None' } },
    bad: { '.psoaccess': 'PSOServiceId = __Host-a\nPSOCookieSession_Domain = example.org\n' },
    worse: { '.psoaccess': '\nPSOSesionExpire = 1\n' },
  })
  mkdirSync(join(top, 'public_html/listing'))
  symlinkSync('../elsewhere', join(top, 'public_html/out'))
  return top
}

t.test('what answers a URL, whatever it is', async t => {
  const top = planted(t)
  const root = join(top, 'public_html')
  for (const [url, code, told] of [
    ['/page.html', 0, '/page.html: the file itself'],
    ['http://localhost:8080/page.html?a=1', 0, '/page.html: the file itself'],
    ['/listing/', 0, '/listing/: a listing of the directory'],
    ['/listing', 0, '/listing: 301 to /listing/'],
    ['/index/', 0, '/index/index.html: the file itself'],
    ['/shop/below/cart', 0, `/shop/below/cart: ${root}/shop/handler.ts, pathInfo "/below/cart"`],
    ['/shop/below/', 0, `over Indexes  ${root}/.psoaccess:1`],
    ['/cgi/a.cgi/x', 0, `/cgi/a.cgi/x: the CGI program ${root}/cgi/a.cgi, pathInfo "/x"`],
    ['/cgi/a.pl', 1, '/cgi/a.pl: 403, Options has no ExecCGI, which cgi-script needs'],
    ['/cgi-bin/run', 0, `/cgi-bin/run: the CGI program ${top}/programs/run, pathInfo ""`],
    ['/cgi-bin/run', 0, `CGIScriptTimeout = 5  ${top}/programs/.psoaccess:1`],
    ['/cgi-bin/none', 1, '/cgi-bin/none: 404'],
    ['/missing', 1, '/missing: 404'],
    ['/.psoaccess', 1, '/.psoaccess: 404'],
    ['/out/a.html', 1, '/out/a.html: 403, a symbolic link leaves the document root'],
    ['/secret/a', 1, '/secret/a: 403, Require all denied'],
    ['/secret/a', 1, `Require = all denied  ${top}/conf/server.ini:3 [Location /secret]`],
    ['/../../etc/passwd', 1, '400, the path climbs above the document root'],
    ['/a%2fb', 1, '404, '],
    ['/bad/', 1, '/bad/: 500, its configuration has mistakes'],
    ['/bad/', 1, `${root}/bad/.psoaccess:2: PSOCookieSession_Domain: expected no Domain`],
    ['/worse/x', 1, `${root}/worse/.psoaccess:2: PSOSesionExpire: unknown directive (did you mean PSOSessionExpire?)`],
  ] as const) {
    const explain = startPso(t, ['explain', url, '--config', join(top, 'conf/server.ini')])
    t.equal(await explain.ended, code, `${url}: exit code`)
    t.ok((explain.out() + explain.errors()).includes(told), `${url}: ${told}`)
  }
})
