import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import t from 'tap'
import { check, directiveNamed } from '../../directives/index.ts'
import { encode } from '../../session/encode.ts'
import { compileOutside } from '../support/compile-outside.ts'
import { markdownPage } from '../support/markdown-page.ts'
import { startPso } from '../support/pso-process.ts'
import { plant, site } from '../support/site.ts'

const page = markdownPage('session/SESSIONS.md')
const { examples, rowsOf } = page

t.test('every promise names the tests that hold it, and they are there, or says that there is none', async t =>
  page.checkPromises(t),
)

t.test('values are kept as the table says', async t => {
  const rows = rowsOf('| Value | As it is kept |')
  t.ok(rows.length > 10)
  for (const [value = '', text = ''] of rows)
    t.equal(encode({ value: runInThisContext(`(${value.slice(1, -1)})`) }), `{"value":${text.slice(1, -1)}}`, value)
})

t.test('directives are spelt right, and their lines are without a mistake', async t => {
  const names = [...page.text.matchAll(/\bPSO[A-Z]\w+/g)].map(([name]) => name)
  t.ok(names.length > 10)
  for (const name of names) t.ok(directiveNamed(name), name)
  const lines = examples('ini')
  t.ok(lines.length > 1)
  const top = t.testdir({})
  for (const [number, text] of lines.entries()) plant(join(top, 'public_html', String(number)), { '.psoaccess': text })
  t.same(check({ environment: {}, cwd: top }), [])
})

t.test('the handlers compile', async t => {
  const handlers = examples('ts')
  t.ok(handlers.length > 3)
  const site = Object.fromEntries(handlers.map((text, number) => [String(number), { 'handler.ts': text }]))
  t.equal(compileOutside(t, site), '')
})

t.test('the handlers run', async t => {
  const handlers = examples('ts')
  const tree = Object.fromEntries(
    handlers.map((text, number) => [
      `s${number}`,
      {
        'handler.ts': text,
        '.psoaccess': text.includes('const fixup') ? 'PSOFixupHandler = handler.ts::fixup' : '',
      },
    ]),
  )
  const app = await site(t, tree)
  for (const number of handlers.keys()) {
    const answer = await app.inject(`/s${number}/?name=ada`)
    t.ok(answer.statusCode < 400, `${number}: ${answer.body}${app.errorLog()}`)
    t.ok(answer.headers['set-cookie'], String(number))
  }
  t.ok(existsSync(join(app.stateDirectory, 'sessions-visitors')))
})

t.test('the commands are commands', async t => {
  const lines = examples('').flatMap(text => text.trim().split('\n'))
  t.ok(lines.length > 5)
  const top = t.testdir({ public_html: {} })
  for (const line of lines) {
    const [name, ...args] = line.split(' ')
    t.equal(name, 'pso')
    const run = startPso(
      t,
      args.map(word => (word === 'KEY' ? 'c0ffee' : word)),
      { cwd: top },
    )
    t.equal(await run.ended, line.includes('KEY') ? 1 : 0, line)
  }
})
