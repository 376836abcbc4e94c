import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { plant, type Tree } from '../support/site.ts'

/** cli.cjs as a Node that is too old runs it, in a project whose node_modules are given; outside this one, whose Node it would find. */
function old(t: Test, modules: Tree): string {
  const source = readFileSync(join(import.meta.dirname, '../../server/cli.cjs'), 'utf8')
  const top = mkdtempSync(join(tmpdir(), 'pso-cli-'))
  t.teardown(() => rmSync(top, { recursive: true }))
  plant(top, { server: { 'cli.cjs': source.replace('[24, 15]', '[99, 0]') }, node_modules: modules })
  return top
}

/** Run from another working directory. */
const run = (top: string): Promise<{ code: number | string; errors: string; out: string }> =>
  new Promise(resolve =>
    execFile(process.execPath, [join(top, 'server/cli.cjs'), 'a b', '--c'], { cwd: '/' }, (error, out, errors) =>
      resolve({ code: error?.code ?? 0, errors, out }),
    ),
  )

const name = `node-${process.platform}-${process.arch}`

t.test('an old Node without the bundled one: one line that says what is missing', async t => {
  const top = old(t, {})
  const { code, errors } = await run(top)
  t.equal(code, 1)
  t.match(errors, /^pso needs Node\.js 99\.0 or newer; this is v.* Run "npm ci" in .*\n$/)
  t.ok(errors.includes(top))
})

t.test('an old Node that is the bundled one does not start itself', async t => {
  const top = old(t, { [name]: { 'package.json': '{}', bin: {} } })
  symlinkSync(process.execPath, join(top, 'node_modules', name, 'bin/node'))
  const { code, errors } = await run(top)
  t.equal(code, 1)
  t.match(errors, /^pso needs Node\.js 99\.0 or newer/)
})

t.test('an old Node with a bundled one that cannot be run: one line too', async t => {
  const top = old(t, { [name]: { 'package.json': '{}' } })
  const { code, errors } = await run(top)
  t.equal(code, 1)
  t.match(errors, /^pso needs .* cannot be run: .*ENOENT\n$/)
})

t.test('an old Node with the bundled one: its arguments, its output and its exit code', async t => {
  const top = old(t, {
    [name]: { 'package.json': '{}', bin: { node: '#!/bin/sh\nshift\nprintf "%s|" "$@"\nexit 7\n' } },
  })
  chmodSync(join(top, 'node_modules', name, 'bin/node'), 0o755)
  const { code, out } = await run(top)
  t.equal(code, 7)
  t.equal(out, 'a b|--c|')
})
