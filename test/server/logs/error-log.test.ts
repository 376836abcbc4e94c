import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { does } from '../../support/handlers.ts'
import { site } from '../../support/site.ts'

const sold = does('req.pso().log("sold", 3, "a\\nb"); return req.pso().getEnviron("UNIQUE_ID")')

t.test(
  'PSOLog: whole lines of a time, the id of the request and the text, in a file of the state directory',
  async t => {
    const app = await site(t, { '.psoaccess': 'PSOLog = logs/shop.log', 'handler.ts': sold })
    const ids = [(await app.inject('/')).body, (await app.inject('/')).body]
    const file = join(app.stateDirectory, 'logs/shop.log')
    const lines = readFileSync(file, 'utf8').split('\n')
    for (const [at, id] of ids.entries()) t.match(lines[at], new RegExp(`^\\S+Z \\[${id}\\] sold 3 a \\| b$`))
    t.equal(lines.length, 3)
    t.equal(statSync(file).mode & 0o777, 0o640)
  },
)

t.test('a rotation needs no word to the server: the next line is in a new file', async t => {
  const app = await site(t, { '.psoaccess': 'PSOLog = shop.log', 'handler.ts': sold })
  const file = join(app.stateDirectory, 'shop.log')
  await app.inject('/')
  renameSync(file, `${file}.1`)
  await app.inject('/')
  for (const one of [file, `${file}.1`]) t.match(readFileSync(one, 'utf8'), /^\S+Z \S+ sold .*\n$/, one)
})

t.test('a file that cannot be written fails no request: the line is in the error log, with the reason', async t => {
  const app = await site(t, { '.psoaccess': 'PSOLog = shop.log', 'handler.ts': sold })
  mkdirSync(join(app.stateDirectory, 'shop.log'))
  const answer = await app.inject('/')
  t.equal(answer.statusCode, 200)
  t.match(app.errorLog(), new RegExp(`\\[id ${answer.body}\\] PSOLog: EISDIR.*shop\\.log.*sold 3`))
})

t.test('req.logError: a line at its level, of an Error its stack, with the id of the request', async t => {
  const app = await site(t, {
    '.psoaccess': '',
    'handler.ts': does(
      'req.logError(new Error("lost")); req.logError("odd", "warn"); return req.pso().getEnviron("UNIQUE_ID")',
    ),
  })
  const { body: id } = await app.inject('/')
  t.match(app.errorLog(), new RegExp(`\\[error\\] .*\\[id ${id}\\] Error: lost \\| at .*handler\\.ts`))
  t.match(app.errorLog(), new RegExp(`\\[warn\\] .*\\[id ${id}\\] odd\\n`))
})
