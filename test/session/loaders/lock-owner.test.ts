import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { self, stateOf } from '../../../session/loaders/lock-owner.ts'

const [pid, start, boot, namespace] = self.split(' ')

for (const [title, owner, state] of [
  ['this process', self, 'lives'],
  ['a process that is no more', `4194305 1 ${boot} ${namespace}`, 'dead'],
  ['a process whose number another has by now', `${pid} ${Number(start) + 1} ${boot} ${namespace}`, 'dead'],
  ['a process of another boot or machine', `${pid} ${start} another ${namespace}`, 'unseen'],
  ['a process of another PID namespace', `${pid} ${start} ${boot} 1`, 'unseen'],
  ['a process of nobody knows which namespace', `${pid} ${start} ${boot}`, 'unseen'],
  ['no text', '', 'unseen'],
  ['another text', 'nobody', 'unseen'],
] as const)
  t.test(`${title}: ${state}`, async t => {
    t.equal(stateOf(owner), state)
  })

t.test('a process that was stopped lives; a zombie is dead', async t => {
  // what sleeps is the shell's child, which a sleep will not wait for
  const child = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const orphan = Number(await once(child.stdout, 'data'))
  t.teardown(() => {
    process.kill(orphan, 'SIGKILL')
    child.kill('SIGKILL')
  })
  const owner = `${orphan} ${startOf(orphan)} ${boot} ${namespace}`
  process.kill(orphan, 'SIGSTOP')
  while (!/\) T /.test(statOf(orphan))) await new Promise(setImmediate)
  t.equal(stateOf(owner), 'lives')
  process.kill(orphan, 'SIGKILL')
  while (!/\) Z /.test(statOf(orphan))) await new Promise(setImmediate)
  t.equal(stateOf(owner), 'dead')
})

const statOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'latin1')
const startOf = (pid: number): string =>
  statOf(pid)
    .replace(/^.*\) /s, '')
    .split(' ')[19]!
