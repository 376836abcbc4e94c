import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogFile } from '../../../server/logs/log-file.ts'
import { until } from '../../support/until.ts'

function place(t: Test): { path: string; read: () => string } {
  const path = join(t.testdir({ logs: {} }), 'logs', 'a.log')
  return { path, read: () => readFileSync(path, 'utf8') }
}

t.test('lines are appended, at once or together, to a file that others cannot read', async t => {
  const { path, read } = place(t)
  const immediate = createLogFile({ type: 'file', path }, { immediate: true })
  immediate.write('one\n')
  t.equal(read(), 'one\n')
  t.equal(statSync(path).mode & 0o137, 0)
  const together = createLogFile({ type: 'file', path })
  together.write('two\n')
  together.write('three\n')
  t.equal(read(), 'one\n')
  await until(() => read() === 'one\ntwo\nthree\n')
  together.write('four\n')
  together.close()
  t.equal(read(), 'one\ntwo\nthree\nfour\n', 'what waits is written when it closes')
  immediate.close()
})

t.test('a rotation: the old file keeps its lines, the new one goes on; another target may follow', async t => {
  const { path, read } = place(t)
  for (const immediate of [true, false]) {
    const log = createLogFile({ type: 'file', path }, { immediate })
    log.open()
    log.write('old\n')
    renameSync(path, `${path}.1`)
    log.reopen()
    log.write('new\n')
    log.reopen({ type: 'file', path: `${path}.other` })
    log.write('other\n')
    log.reopen({ type: 'none' })
    log.write('nowhere\n')
    log.close()
    t.equal(readFileSync(`${path}.1`, 'utf8'), 'old\n')
    t.equal(read(), 'new\n')
    t.equal(readFileSync(`${path}.other`, 'utf8'), 'other\n')
    rmSync(path)
    rmSync(`${path}.other`)
  }
})

t.test('a directory that has gone loses lines, counts them, and says so when it is back', async t => {
  const { path, read } = place(t)
  const log = createLogFile({ type: 'file', path }, { immediate: true })
  rmSync(join(path, '..'), { recursive: true })
  t.match(log.open(), { code: 'ENOENT' })
  log.write('lost\n')
  log.write('lost too\n')
  mkdirSync(join(path, '..'))
  t.equal(log.open(), undefined)
  log.write('kept\n')
  log.close()
  t.equal(read(), '[2 lines could not be written]\nkept\n')
})

t.test('a full disk loses lines and nothing else', { skip: process.platform !== 'linux' }, async t => {
  for (const immediate of [true, false]) {
    const { path, read } = place(t)
    const log = createLogFile({ type: 'file', path: '/dev/full' }, { immediate })
    log.write('lost\n')
    await new Promise(resolve => setTimeout(resolve, 150))
    log.reopen({ type: 'file', path })
    log.write('kept\n')
    log.close()
    t.equal(read(), '[1 lines could not be written]\nkept\n')
  }
})
