import { realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { check, formatProblem } from '../../directives/index.ts'

t.test('every mistake of every file is listed once, by file and line', async t => {
  const top = realpathSync(
    t.testdir({
      conf: { 'server.ini': 'Timeout = x\nTimeout = 1' },
      public_html: {
        '.psoaccess': 'PSOSessionExpire = 1\nPSOSessionExpire = 2\nX = 1',
        b: { '.psoaccess': 'PSOSessionExpire = soon', below: { '.psoaccess': '' } },
        a: { node_modules: { '.psoaccess': 'X = 1' } },
        '.git': { '.psoaccess': 'X = 1' },
      },
    }),
  )
  symlinkSync(top, join(top, 'public_html/link'))
  const found = check({ file: 'conf/server.ini', environment: {}, cwd: top })
  t.same(
    found.map(problem =>
      formatProblem(problem)
        .slice(top.length + 1)
        .replace(/: expected.*/, ''),
    ),
    [
      'conf/server.ini:1: Timeout',
      'public_html/.psoaccess:2: PSOSessionExpire: already set in line 1; the last stands',
      'public_html/.psoaccess:3: X: unknown directive',
      'public_html/a/node_modules/.psoaccess:1: X: unknown directive',
      'public_html/b/.psoaccess:1: PSOSessionExpire',
    ],
  )
})

t.test('a document root that is not there has no files', async t => {
  t.same(check({ environment: {}, cwd: realpathSync(t.testdir({})) }), [])
})
