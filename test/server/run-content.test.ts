import t from 'tap'
import { does, says } from '../support/handlers.ts'
import { site } from '../support/site.ts'

t.test('what a handler returns is what is answered', async t => {
  const cases = [
    ['req.write("a")', 200, 'a', 'text/html; charset=utf-8'],
    ['req.write("a"); return OK', 200, 'a', 'text/html; charset=utf-8'],
    ['req.write("a"); return 200', 200, 'a', 'text/html; charset=utf-8'],
    ['req.write("a"); return "b"', 200, 'ab', 'text/html; charset=utf-8'],
    ['req.write("a"); return DONE', 200, 'a', 'text/html; charset=utf-8'],
    ['return { a: [1] }', 200, '{"a":[1]}', 'application/json; charset=utf-8'],
    ['return [1, 2]', 200, '[1,2]', 'application/json; charset=utf-8'],
    ['req.contentType = "text/plain"; return "é"', 200, 'é', 'text/plain'],
    ['req.write("made"); return 201', 201, 'made', 'text/html; charset=utf-8'],
    ['req.write("x"); return 204', 204, '', undefined],
    ['req.status = 404; req.write("own page"); return OK', 404, 'own page', 'text/html; charset=utf-8'],
    ['throw new ServerReturn(DONE)', 200, '', 'text/html; charset=utf-8'],
    ['req.write("kept"); throw new ServerReturn(202)', 202, 'kept', 'text/html; charset=utf-8'],
    ['req.pso().writelines(["a", "b"])', 200, 'ab', 'text/html; charset=utf-8'],
    ['req.write(new Uint8Array([104, 105]))', 200, 'hi', 'text/html; charset=utf-8'],
    ['req.pso().setStatus(203); return "x"', 203, 'x', 'text/html; charset=utf-8'],
  ] as const
  for (const [body, status, text, type] of cases) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': does(body) })
    const answer = await app.inject('/')
    t.same([answer.statusCode, answer.body, answer.headers['content-type']], [status, text, type], body)
  }
})

t.test('what is no answer is a 500 that says so in the log, and nothing of the buffer is sent', async t => {
  const cases = [
    ['req.write("partial"); throw new Error("went wrong")', 500, /went wrong/],
    ['req.write("partial"); return 403', 403, /403/],
    ['req.write("partial"); return 500', 500, /500/],
    ['return true', 500, /got true/],
    ['return 42', 500, /got 42/],
    ['return 600', 500, /got 600/],
    ['return 1.5', 500, /got 1\.5/],
    ['return () => 1', 500, /type function/],
    ['return Symbol("x")', 500, /type symbol/],
    ['throw "a text"', 500, /a text.*handler\.ts::handler/],
    ['throw undefined', 500, /undefined/],
    ['req.write(5)', 500, /expected text or bytes/],
    ['req.status = 42', 500, /expected an HTTP status/],
    ['req.pso().setHeaderOut("X-A", "b\\r\\nInjected: yes")', 500, /Invalid character|header/i],
    ['req.contentType = "text/x\\r\\nInjected: yes"', 500, /Content-Type.*handler\.ts:4/],
    ['req.pso().sendHttpHeader("text/x\\r\\nInjected: yes")', 500, /Content-Type.*handler\.ts:4/],
    ['req.pso().setHeaderOut("X-A", undefined)', 500, /X-A.*handler\.ts:4/],
    ['req.pso().setCookie("a", "b", { path: "/\\r\\nInjected: yes" })', 500, /path.*handler\.ts:4/],
    ['req.registerCleanup("no function")', 500, /cleanup, got string, .*handler\.ts:4/],
    ['const a: any = {}; a.a = a; return a', 500, /circular.*handler\.ts::handler/i],
    ['return { a: 1n }', 500, /BigInt.*handler\.ts::handler/],
    ['return { toJSON() {} }', 500, /toJSON gives nothing/],
    ['return true', 500, /got true.*handler\.ts::handler/],
    ['throw new ServerReturn(42)', 500, /got 42.*handler\.ts:4/],
    ['throw new ServerReturn("404" as any)', 500, /from 100 to 599, got 404/],
    ['req.pso().sendStatus(NaN)', 500, /got NaN/],
    ['throw Object.create(null)', 500, /cannot be shown.*handler\.ts::handler/],
    ['throw { toString() { throw 1 } }', 500, /cannot be shown/],
    ['throw Object.defineProperty(new Error("x"), "stack", { get() { throw 1 } })', 500, /cannot be shown/],
  ] as const
  for (const [body, status, log] of cases) {
    const app = await site(t, { '.psoaccess': '', 'handler.ts': does(body) })
    const answer = await app.inject('/')
    t.equal(answer.statusCode, status, body)
    t.notMatch(answer.body, /partial|went wrong|handler\.ts/, body)
    t.equal(answer.headers['injected'], undefined)
    t.match(app.errorLog(), log, body)
  }
})

t.test('a handler module that is missing, or has no such function, is a 500 that names it', async t => {
  const cases = [
    ['PSOHandler = gone.ts', {}, /gone\.ts/],
    ['PSOHandler = a.ts::other', { 'a.ts': says('x') }, /function other.*exports handler/],
    ['PSOHandler = a.ts', { 'a.ts': 'export const x = 1\n' }, /function handler/],
    ['', { 'handler.ts': 'export const x = 1\n' }, /function handler/],
    ['', { 'handler.ts': 'export function handler ( {\n' }, /handler\.ts:1/],
    ['', { 'handler.ts': "import { gone } from './gone.ts'\nexport const handler = gone\n" }, /gone\.ts/],
  ] as const
  for (const [access, files, log] of cases) {
    const app = await site(t, {
      bad: { '.psoaccess': access, ...files },
      good: { '.psoaccess': '', 'handler.ts': says('good') },
    })
    t.equal((await app.inject('/bad/')).statusCode, 500)
    t.match(app.errorLog(), log)
    t.equal((await app.inject('/good/')).body, 'good', 'the neighbour notices nothing')
  }
})

t.test('handler lists: OK goes on, DECLINED and anything else end, a final DECLINED is the file or 404', async t => {
  const module = (body: string): string => does(body)
  const app = await site(t, {
    both: {
      '.psoaccess': 'PSOHandler = a.ts b.ts',
      'a.ts': module('req.write("a")'),
      'b.ts': module('req.write("b")'),
    },
    twice: {
      '.psoaccess': 'PSOHandler = a.ts\nPSOHandler = b.ts',
      'a.ts': module('req.write("a")'),
      'b.ts': module('req.write("b")'),
    },
    done: {
      '.psoaccess': 'PSOHandler = a.ts b.ts',
      'a.ts': module('req.write("a"); return DONE'),
      'b.ts': module('req.write("b")'),
    },
    refused: { '.psoaccess': 'PSOHandler = a.ts b.ts', 'a.ts': module('return 403'), 'b.ts': module('req.write("b")') },
    declined: {
      '.psoaccess': 'SetHandler = pso-program\nPSOHandler = a.ts b.ts',
      'a.ts': module('return DECLINED'),
      'b.ts': module('req.write("b")'),
      'file.txt': 'file',
    },
    method: {
      '.psoaccess': 'PSOHandler = a.ts::obj.run',
      'a.ts': "export const obj = { text: 'bound', run() { return this.text } }\n",
    },
    byDefault: { '.psoaccess': '', 'handler.ts': "export default (req: any) => 'default'\n" },
  })
  const answers: [string, number, string | undefined][] = [
    ['/both/', 200, 'ab'],
    ['/twice/', 200, 'ab'],
    ['/done/', 200, 'a'],
    ['/refused/', 403, undefined],
    ['/declined/none', 404, undefined],
    ['/declined/file.txt', 200, 'file'],
    ['/method/', 200, 'bound'],
    ['/byDefault/', 200, 'default'],
  ]
  for (const [url, status, body] of answers) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, status, url)
    if (body !== undefined) t.equal(answer.body, body, url)
  }
})

t.test('a promise of a library’s own is waited for', async t => {
  const app = await site(t, {
    '.psoaccess': 'PSOAccessHandler = a.ts',
    'a.ts': 'export const access = (req: any) => ({ then (done: any) { done(req.args ? 403 : 0) } })\n',
    'handler.ts': 'export const handler = () => ({ then (done: any) { done("text") } })\n',
  })
  t.equal((await app.inject('/')).body, 'text')
  t.equal((await app.inject('/?x')).statusCode, 403)
})

t.test('DECLINED from any depth is the file, or 404', async t => {
  const app = await site(t, {
    '.psoaccess': 'SetHandler = pso-program',
    'handler.ts': does('throw new ServerReturn(DECLINED)'),
    'a.txt': 'file',
  })
  t.equal((await app.inject('/a.txt')).body, 'file')
  t.equal((await app.inject('/none')).statusCode, 404)
})
