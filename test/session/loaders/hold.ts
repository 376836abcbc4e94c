/** A process of its own for file.test.ts: `hold.ts DIRECTORY` locks the session, says so, and adds one to it and unlocks once it is told to. */
import { once } from 'node:events'
import { FileSessionLoader } from '../../../session/loaders/file.ts'

const loader = new FileSessionLoader(process.argv[2]!)
const context = { serviceId: 'shop' }
const lock = await loader.lock('shared', context, 5000)
const before = loader.load('shared', { ...context, lock })!
console.log('locked')
await once(process.stdin, 'data')
await loader.save(
  'shared',
  { ...before, data: JSON.stringify({ visits: JSON.parse(before.data).visits + 1 }), version: before.version + 1 },
  { ...context, lock },
)
await lock.release()
loader.close()
process.exit()
