import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { notStarted } from '../../../server/cgi/why-not-started.ts'
import { answers, cgiSite } from '../../support/cgi-site.ts'

t.test('a file that cannot be run is 500, and the log says why', async t => {
  const app = await cgiSite(t, {
    'crlf.cgi': '#!/bin/sh\r\necho\r\n',
    'interpreter.cgi': '#!/no/such/interpreter -w\n',
    'text.cgi': 'echo hello\n',
    'empty.cgi': '',
    'plain.cgi': answers('echo hello'),
  })
  chmodSync(join(app.root, 'plain.cgi'), 0o644)
  for (const [name, why] of [
    ['crlf.cgi', 'its first line ends in a carriage return'],
    ['interpreter.cgi', 'there is no /no/such/interpreter, which its first line names'],
    ['text.cgi', 'its first line names no interpreter'],
    ['empty.cgi', 'its first line names no interpreter'],
    ['plain.cgi', 'it may not be executed (chmod +x), or its interpreter /bin/sh may not'],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url: `/${name}`, payload: 'body' })
    t.equal(answer.statusCode, 500, name)
    t.notMatch(answer.body, /echo|interpreter|public_html/, 'its source and path are not shown')
    t.ok(app.errorLog().includes(`POST /${name} 500: ${join(app.root, name)} could not be run: `), app.errorLog())
    t.ok(app.errorLog().includes(why), why)
  }
})

t.test('in development a client on this machine reads it', async t => {
  const app = await cgiSite(t, { 'crlf.cgi': '#!/bin/sh\r\n' }, { development: true })
  t.match((await app.inject('/crlf.cgi')).body, /crlf.cgi could not be run: its first line ends in a carriage return/)
})

t.test('a machine at its limits is 503', async t => {
  for (const code of ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'])
    t.match(notStarted('/x.cgi', { code, message: '' }), { status: 503, message: `/x.cgi could not be run: ${code}` })
  t.match(notStarted('/x.cgi', { code: 'E2BIG', message: 'spawn E2BIG' }), { status: 500, message: /: spawn E2BIG$/ })
})
