import t from 'tap'
import { createConfigStore, DirectivesError, readServerConfig, wholeProblems } from '../../directives/index.ts'

/** What holds for the document root, where a web server gave these variables and server.ini and .psoaccess say this. */
function directivesWith(variables: Record<string, string>, ini = '', access = '') {
  const cwd = t.testdir({ conf: { 'server.ini': ini }, public_html: { '.psoaccess': access } })
  const given = new Map(Object.entries(variables))
  const config = readServerConfig({ file: 'conf/server.ini', variables: given, environment: {}, cwd })
  const store = createConfigStore(config, { now: () => 0, recheckMs: 0 })
  return store.configOf({ directory: config.documentRoot, name: undefined, path: '/' })
}

t.test('variables of a web server count as the first SetEnv lines', async t => {
  const id = (...lines: [Record<string, string>, string?, string?]) => directivesWith(...lines).directives.PSOServiceId
  t.equal(id({ PSOServiceId: 'given' }), 'given')
  t.equal(id({ PSOServiceId: 'given' }, 'PSOServiceId = own'), 'own')
  t.equal(id({ PSOServiceId: 'given' }, 'SetEnv = PSOServiceId own'), 'own')
  t.equal(id({ PSOServiceId: 'given' }, '', 'PSOServiceId = own'), 'own')
  t.equal(id({ PSOServiceId: 'given' }, '', 'SetEnv = PSOServiceId own'), 'own')
})

t.test('one that its directive cannot have is an error that says where it is from', async t => {
  t.throws(() => directivesWith({ PSOSessionExpire: 'soon' }), DirectivesError)
  try {
    directivesWith({ PSOSessionExpire: 'soon' })
  } catch (error) {
    t.match((error as DirectivesError).problems, [{ name: 'PSOSessionExpire', at: { file: '(environment)', line: 1 } }])
  }
})

t.test('memory: is no place where each request is a process', async t => {
  const merged = directivesWith({}, '', 'PSOSessionLoader = memory:')
  t.match(wholeProblems(merged, Number.POSITIVE_INFINITY), [
    { message: 'expected file: where each request is a process, got memory:' },
  ])
  t.same(wholeProblems(merged, 1), [])
})

t.test('the directory of a ScriptAlias may be none around the document root, not even the whole disk', async t => {
  for (const directory of ['.', '..', '/'])
    try {
      directivesWith({}, `ScriptAlias = /cgi-bin/ ${directory}`)
      t.fail(directory)
    } catch (error) {
      t.match((error as DirectivesError).problems[0]?.message, /expected a directory outside the document root/)
    }
})
