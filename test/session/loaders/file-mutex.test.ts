import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fileMutex } from '../../../session/loaders/file-mutex.ts'

t.test('one has it, and then the next', async t => {
  const file = join(t.testdir({}), 'mutex')
  const release = fileMutex(file, 0)
  t.equal(typeof release, 'function')
  t.equal(fileMutex(file, 0), undefined, 'in the same process')
  t.equal(fileMutex(file, 0), undefined, 'nor has the attempt given it free')
  release!()
  fileMutex(file, 0)!()
  t.match(statSync(file), { size: 0 })
  t.equal(statSync(file).mode & 0o777, 0o600)
})

t.test('it is free as soon as the process that has it is killed, and not before', { timeout: 20_000 }, async t => {
  const { file, child } = await had(t, 'setInterval(() => release, 1000)')
  t.equal(fileMutex(file, 20), undefined)
  child.kill('SIGKILL')
  await once(child, 'close')
  fileMutex(file, 0)!()
})

t.test('one who waits gets it when it is given back', { timeout: 20_000 }, async t => {
  const { file } = await had(t, 'setTimeout(release, 100); setInterval(() => {}, 1000)')
  fileMutex(file, 15_000)!()
})

t.test('where it cannot be made is an error', async t => {
  t.throws(() => fileMutex(join(t.testdir({}), 'nowhere', 'mutex'), 0), { code: 'ENOENT' })
})

/** A process that has it, and then goes on as told. */
async function had(t: Test, then: string): Promise<{ readonly file: string; readonly child: ChildProcess }> {
  const directory = t.testdir({
    'have.ts': `
      import { fileMutex } from '${join(import.meta.dirname, '../../../session/loaders/file-mutex.ts')}'
      const release = fileMutex(process.argv[2], 0)
      console.log(typeof release)
      ${then}
    `,
  })
  const file = join(directory, 'mutex')
  const child = spawn(process.execPath, [join(directory, 'have.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  t.equal(String(await once(child.stdout, 'data')), 'function\n')
  return { file, child }
}
