import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Test } from 'tap'
import { project } from './project.ts'
import type { Tree } from './site.ts'

/** What tsc has to say of a site in a project of its own, to which pso is a package; `''`: nothing is wrong. */
export function compileOutside(t: Test, site: Tree): string {
  const directory = t.testdir({
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'esnext',
        strict: true,
        noImplicitReturns: true,
        noEmit: true,
        skipLibCheck: true,
        verbatimModuleSyntax: true,
        allowImportingTsExtensions: true,
        types: [],
      },
      include: ['site'],
    }),
    node_modules: { pso: t.fixture('symlink', project) },
    site,
  })
  const tsc = join(project, 'node_modules/typescript/bin/tsc')
  // tsc does not start with the hooks that the test runner gives to every child
  const command = ['-u', 'NODE_OPTIONS', process.execPath, tsc, '-p', directory]
  const { stdout, stderr, status } = spawnSync('env', command, { encoding: 'utf8' })
  return status === 0 ? '' : `${stderr}${stdout}` || `exit code ${status}`
}
