import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { programOf } from './packages.ts'

// on a Mac programs are also found outside PATH
const isLinux = process.platform === 'linux'

/** What programOf tells a test, with CI and PATH as given. */
function told(t: Test, CI: string, PATH: string): string[] {
  const before = { CI: process.env.CI ?? '', PATH: process.env.PATH }
  t.teardown(() => Object.assign(process.env, before))
  Object.assign(process.env, { CI, PATH })
  const said: string[] = []
  const test = {
    pass: (_: string, { skip }: { skip: string }) => said.push(`skip ${skip}`),
    fail: (message: string) => said.push(`fail ${message}`),
  }
  t.equal(programOf(test as unknown as Test, 'chromium'), undefined)
  return said
}

if (isLinux) {
  t.test('a test whose package is missing is skipped, and says what to install', async t => {
    t.same(told(t, '', t.testdir()), ['skip no chromium: apt-get install chromium'])
  })

  t.test('under CI it fails', async t => {
    t.same(told(t, 'true', t.testdir()), ['fail no chromium: apt-get install chromium'])
  })

  t.test('before the tests each missing package has one line, and nothing is installed without CI', async t => {
    const prepare = join(import.meta.dirname, 'prepare.ts')
    const env = { ...process.env, CI: '', PATH: t.testdir() }
    const { stderr, status } = spawnSync(process.execPath, [prepare], { env, encoding: 'utf8' })
    t.equal(status, 0)
    const lines = stderr.split('\n').filter(line => line.includes('chromium'))
    t.same(lines, ['no chromium: apt-get install chromium'])
  })
}
