/**
 * A process of its own for file.test.ts: `increment.ts DIRECTORY COUNT` adds one to the session's visits so many times, each across a
 * wait, and writes the number it made to standard output once it is saved.
 */
import { writeSync } from 'node:fs'
import { FileSessionLoader } from '../../../session/loaders/file.ts'

const [directory, count] = process.argv.slice(2)
const loader = new FileSessionLoader(directory!)
const context = { serviceId: 'shop' }

async function increment(): Promise<void> {
  const lock = await loader.lock('shared', context, 30_000)
  const before = loader.load('shared', { ...context, lock })!
  await new Promise(setImmediate)
  const visits = JSON.parse(before.data).visits + 1
  const answer = await loader.save(
    'shared',
    { ...before, data: JSON.stringify({ visits }), version: before.version + 1 },
    { ...context, lock },
  )
  if (answer !== 'saved') throw new Error(answer)
  lock.release()
  writeSync(1, `${visits}\n`)
}

let left = Number(count)
await Promise.all(
  Array.from({ length: 8 }, async () => {
    while (left-- > 0) await increment()
  }),
)
loader.close()
