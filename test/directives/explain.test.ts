import { realpathSync } from 'node:fs'
import t from 'tap'
import { createConfigStore, directiveNames, explain, readServerConfig } from '../../directives/index.ts'

t.test('directives stand in the order of the table, whatever the order of the lines', async t => {
  const cwd = realpathSync(
    t.testdir({ public_html: { '.psoaccess': 'Options = Indexes\nPSOHandler = a.ts\nPSOServiceId = a' } }),
  )
  const server = readServerConfig({ environment: {}, cwd })
  const store = createConfigStore(server, { now: () => 0, recheckMs: 0 })
  const merged = store.configOf({ directory: server.documentRoot, name: undefined, path: '/' })
  const names = explain(merged).map(line => line.split(' ')[0])
  t.same(
    names,
    directiveNames.filter(name => names.includes(name)),
  )
  t.equal(names.length, 3)
})

t.test('the password of a URL is not shown', async t => {
  const cwd = realpathSync(t.testdir({ public_html: { '.psoaccess': 'SetEnv = DB redis://me:secret@host/' } }))
  const server = readServerConfig({ environment: {}, cwd })
  const store = createConfigStore(server, { now: () => 0, recheckMs: 0 })
  const lines = explain(store.configOf({ directory: server.documentRoot, name: undefined, path: '/' }))
  t.match(lines.join('\n'), /redis:\/\/me:\*\*\*@host/)
  t.notMatch(lines.join('\n'), /secret/)
})
