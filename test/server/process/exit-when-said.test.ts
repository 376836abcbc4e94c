import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'

const file = JSON.stringify(join(import.meta.dirname, '../../../server/process/exit-when-said.ts'))
/** Says a megabyte on each stream, and ends. */
const program = `
  const { exitWhenSaid } = await import(${file})
  process.stdout.write('x'.repeat(1_000_000))
  process.stderr.write('y'.repeat(1_000_000))
  setInterval(() => {}, 1000)
  await exitWhenSaid(3)`
const args = ['--input-type=module', '-e', program]

t.test('a process ends when all that it said has been read', async t => {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1e7 })
  t.same([stdout.length, stderr.length, status], [1_000_000, 1_000_000, 3])
})

t.test('a reader that goes away does not keep it', async t => {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  child.stdout.once('data', () => child.stdout.destroy())
  child.stderr.once('data', () => child.stderr.destroy())
  t.equal((await ended)[0], 3)
})
