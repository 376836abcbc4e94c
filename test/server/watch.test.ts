import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createWatcher } from '../../server/watch.ts'

t.test('a change of a watched directory is pushed, one of its subdirectory is not', async t => {
  const directory = t.testdir({ 'a.txt': 'a', below: { 'b.txt': 'b' } })
  const seen = new Set<string>()
  let changed = (): void => {}
  const watcher = createWatcher({
    onChange(file) {
      seen.add(file)
      if (file === join(directory, 'last.txt')) changed()
    },
    report: message => t.fail(message),
  })
  t.teardown(() => watcher.close())
  watcher.add(directory)
  watcher.add(directory)
  // chokidar says nothing of when an added directory is watched: written until it is seen
  const pushed = new Promise<void>(resolve => (changed = resolve))
  let count = 0
  const writing = setInterval(() => {
    count++
    writeFileSync(join(directory, 'below', 'b.txt'), `b${count}`)
    writeFileSync(join(directory, 'last.txt'), `last ${count}`)
  }, 20)
  await pushed
  clearInterval(writing)
  t.notOk(seen.has(join(directory, 'below', 'b.txt')))
})

t.test('a watcher that was never used closes', async t => {
  await createWatcher({ onChange: () => {}, report: () => {} }).close()
  t.pass('closed')
})
