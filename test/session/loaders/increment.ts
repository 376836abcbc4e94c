/**
 * A process of its own for `incrementing.ts`: `increment.ts LOADER COUNT`, the loader's specification as JSON, adds one to the session's visits so many times, each across a
 * wait, and writes the number it made to standard output once it is saved.
 */
import { writeSync } from 'node:fs'
import { openLoader } from '../../../session/index.ts'

const [spec, count] = process.argv.slice(2)
const loader = openLoader(JSON.parse(spec!))
const context = { serviceId: 'shop' }
const none = { serviceId: 'shop', data: '{"visits":0}', createdAt: 1, usedAt: 1, version: 0 }

async function increment(): Promise<void> {
  const lock = await loader.lock('shared', context, 30_000)
  const before = (await loader.load('shared', { ...context, lock })) ?? none
  await new Promise(setImmediate)
  const visits = JSON.parse(before.data).visits + 1
  const answer = await loader.save(
    'shared',
    { ...before, data: JSON.stringify({ visits }), version: before.version + 1 },
    { ...context, lock },
  )
  if (answer !== 'saved') throw new Error(answer)
  await lock.release()
  writeSync(1, `${visits}\n`)
}

let left = Number(count)
await Promise.all(
  Array.from({ length: 8 }, async () => {
    while (left-- > 0) await increment()
  }),
)
await loader.close?.()
