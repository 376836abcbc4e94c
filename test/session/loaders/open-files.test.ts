import { closeSync, fstatSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OpenFiles } from '../../../session/loaders/open-files.ts'

t.test('never more than so many: the longest open goes first', async t => {
  const directory = t.testdir({})
  const files = new OpenFiles(2)
  const fds = ['a', 'b', 'c'].map(name => files.keep(name, openSync(join(directory, name), 'w')))
  t.equal(files.size, 2)
  t.equal(files.get('a'), undefined)
  t.throws(() => fstatSync(fds[0]!), { code: 'EBADF' })
  t.equal(files.get('b'), fds[1])
  files.closeAll()
  t.equal(files.size, 0)
  for (const fd of fds) t.throws(() => closeSync(fd), { code: 'EBADF' })
})

t.test('a file that was deleted under us is found out after a while', async t => {
  const file = join(t.testdir({}), 'x')
  const files = new OpenFiles(2)
  const now = performance.now()
  writeFileSync(file, '')
  files.keep(file, openSync(file, 'r'))
  t.type(files.getNamed(file, now + 60_000), 'number')
  rmSync(file)
  t.type(files.getNamed(file, now + 60_001), 'number')
  t.equal(files.getNamed(file, now + 120_000), undefined)
  t.equal(files.size, 0)
})
