import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { startPso } from '../support/pso-process.ts'
import { site } from '../support/site.ts'

t.test(
  'what is written after the request is over is an error of who writes it, in no answer, and no file stays open',
  async t => {
    const app = await site(t, {
      '.psoaccess': '',
      'a.txt': 'file',
      'handler.ts': does(`
      const calls = { write: () => req.write('late'), flush: () => req.flush(), sendfile: () => req.sendfile('a.txt'), generator: () => req.pso().writelines(['late']) }
      setImmediate(async () => { try { await (calls as any)[req.args](); (globalThis as any).late('nothing') } catch (error: any) { (globalThis as any).late(error.message) } })
      return 'a'`),
    })
    for (const [name, message] of [
      ['write', /the request is over: req\.write\(\) comes too late/],
      ['flush', /the request is over/],
      ['sendfile', /the request is over: req\.sendfile\(\) comes too late/],
      ['generator', /the request is over/],
    ] as const) {
      const late = new Promise<string>(resolve => ((globalThis as any).late = resolve))
      t.equal((await app.inject(`/?${name}`)).body, 'a')
      t.match(await late, message, name)
    }
  },
)

t.test(
  'what nobody caught of it is one line of the log, with its place; the process lives, and the next answer is clean',
  async t => {
    const root = t.testdir({ conf: { 'server.ini': 'Listen = 127.0.0.1:0\nErrorLog = error.log\n' } })
    const put = (name: string, body: string): void => {
      mkdirSync(join(root, 'public_html', name), { recursive: true })
      writeFileSync(join(root, 'public_html', name, '.psoaccess'), '')
      writeFileSync(join(root, 'public_html', name, 'handler.ts'), body)
    }
    put('write', does('setImmediate(() => req.write("late")); return "a"'))
    put('flush', does('setImmediate(() => { req.flush() }); return "a"'))
    put('header', does('setImmediate(() => req.headersOut.set("X-Late", "1")); return "a"'))
    put('next', says('clean'))
    const pso = startPso(t, ['serve', '--production', '--workers', '1', '--config', join(root, 'conf/server.ini')])
    const url = await pso.url
    const log = (): string[] => readFileSync(join(root, '.pso/error.log'), 'utf8').trimEnd().split('\n')
    for (const [name, line] of [
      [
        'write',
        /\[error\].*GET \/write\/ 500: Error: the request is over: req\.write\(\) comes too late .*write\/handler\.ts:4/,
      ],
      ['flush', /\[error\].*GET \/flush\/ 500: Error: the request is over/],
      [
        'header',
        /\[error\].*GET \/header\/ 500: Error: the header X-Late can no longer be changed.*header\/handler\.ts:4/,
      ],
    ] as const) {
      const answer = await fetch(`${url}/${name}/`)
      t.same([answer.status, await answer.text()], [200, 'a'])
      while (!log().at(-1)!.includes(`/${name}/`)) await new Promise(done => setTimeout(done, 5))
      t.equal(log().filter(one => one.includes(`/${name}/`)).length, 1)
      t.match(log().at(-1), line)
      t.equal(await (await fetch(`${url}/next/`)).text(), 'clean')
    }
  },
)

t.test(
  'after a flush nothing of the head can be changed: each is an error that names it, and cuts the answer',
  async t => {
    const app = await site(t, {
      '.psoaccess': 'PSOLogHandler = log.ts',
      'log.ts': 'export const log = (req: any) => (globalThis as any).logged(req.status)\n',
      'handler.ts': does(`req.write('sent'); await req.flush(); eval(decodeURIComponent(req.args))`),
    })
    const url = await app.url()
    for (const [code, log] of [
      [
        'req.headersOut.set("X-A", 1)',
        /the header X-A can no longer be changed: the head of the response has left.*handler\.ts:4/,
      ],
      ['req.headersOut.add("X-A", 1)', /the header X-A can no longer/],
      ['req.headersOut.delete("X-A")', /the header X-A can no longer/],
      ['req.pso().setHeaderOut("X-A", 1)', /the header X-A can no longer/],
      ['req.status = 404', /the status can no longer/],
      ['req.pso().setStatus(404)', /the status can no longer/],
      ['req.contentType = "text/plain"', /the content type can no longer/],
      ['req.sendHttpHeader("text/plain")', /the content type can no longer/],
      ['req.pso().setCookie("a", "b")', /the cookie a can no longer/],
      ['req.pso().redirect("/x")', /the Location can no longer/],
      ['throw new p.ServerReturn(404)', /404: the request ended with 404/],
    ] as const) {
      const logged = new Promise(resolve => ((globalThis as any).logged = resolve))
      const answer = await fetch(`${url}/?${encodeURIComponent(code)}`)
      t.equal(answer.status, 200)
      await t.rejects(answer.text(), code)
      t.equal(await logged, code.includes('404)') && code.startsWith('throw') ? 404 : 500, 'what the log phase sees')
      t.match(app.errorLog().trimEnd().split('\n').at(-1), log, code)
    }
  },
)

t.test('redirect twice: the last one counts, in one Location; a redirect in a finally too', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'try { req.pso().redirect("/first") } catch { } req.write("shown to nobody"); req.pso().redirect("/second", true)',
    ),
    finally: {
      '.psoaccess': '',
      'handler.ts': does('try { req.pso().redirect("/first") } finally { req.pso().redirect("/last") }'),
    },
  })
  const { statusCode, headers, body } = await app.inject('/')
  t.same([statusCode, headers.location, body], [301, '/second', ''])
  t.equal((await app.inject('/finally/')).headers.location, '/last')
  t.equal(app.errorLog().match(/error\]/g), null)
})
