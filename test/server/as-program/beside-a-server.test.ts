import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Client } from '../../support/client.ts'
import { counter, visit } from '../../support/handlers.ts'
import { apacheVariables, plantSite, psoCgi, runProgram } from '../../support/program.ts'
import { startPso } from '../../support/pso-process.ts'
import { storesWhere } from '../../support/stores.ts'

const RUNS = 12
const REQUESTS = 60

for (const [name, store] of storesWhere(({ outlives, place }) => outlives && place === 'disk'))
  t.test(`${name}: programs, two at once, and a server beside them lose no visit`, async t => {
    const top = plantSite(t, { 'handler.ts': counter, 'test.cgi': counter }, 'Listen = 127.0.0.1:0\n')
    const opened = await store.open(t, t.testdir())
    writeFileSync(join(top, 'public_html/.psoaccess'), `PSOServiceId = s\n${opened!.lines}\n`)
    const config = join(top, 'conf/server.ini')
    const url = await startPso(t, ['serve', '--production', '--workers', '2', '--config', config]).url
    const client = new Client(4)
    t.teardown(() => client.close())
    const first = await client.get(url)
    const cookie = first.cookie!
    const numbers = [visit(first.body)]
    const asks = async (): Promise<void> => {
      for (let at = 0; at < REQUESTS / 4; at++) numbers.push(visit((await client.get(url, cookie)).body))
    }
    const runs = async (): Promise<void> => {
      const env = apacheVariables('/test.cgi', '/test.cgi', { HTTP_COOKIE: cookie })
      for (let at = 0; at < RUNS / 2; at++)
        numbers.push(visit((await runProgram(t, [...psoCgi(), join(top, 'public_html/test.cgi')], { env })).body))
    }
    await Promise.all([runs(), runs(), asks(), asks(), asks(), asks()])
    const all = 1 + RUNS + REQUESTS
    t.same(
      numbers.sort((a, b) => a - b),
      Array.from({ length: all }, (_, at) => at + 1),
      'every visit has a number of its own',
    )
    t.equal(readFileSync(join(top, '.pso/error.log'), 'utf8'), '')
  })
