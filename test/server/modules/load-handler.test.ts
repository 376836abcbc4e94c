import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createHandlerModules } from '../../../server/modules/load-handler.ts'
import { installModuleHooks } from '../../../server/modules/module-graph.ts'

installModuleHooks()

t.test('a new version that never finishes loading leaves the last good one, in production', async t => {
  const directory = t.testdir({ 'a.ts': "export const a = 'good'\n" })
  const reported: string[] = []
  let now = 0
  const modules = createHandlerModules({
    now: () => now,
    recheckMs: 1000,
    development: false,
    report: error => reported.push(error.message),
    patienceMs: 0,
  })
  const load = async (): Promise<unknown> => {
    now += 1001
    return (await modules.load(directory, 'a.ts'))['a']
  }
  t.equal(await load(), 'good')
  writeFileSync(join(directory, 'a.ts'), "await new Promise(() => {})\nexport const a = 'never'\n")
  t.same([await load(), await load()], ['good', 'good'])
  t.match(reported, [/a\.ts has not loaded after 0 ms/])
  t.equal(reported.length, 1)
  writeFileSync(join(directory, 'a.ts'), "export const a = 'mended'\n")
  // with no patience at all a call does not wait for it
  for (let call = 0; call < 1000 && (await load()) !== 'mended'; call++) await new Promise(setImmediate)
  t.equal(await load(), 'mended')
})
