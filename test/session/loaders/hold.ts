/** A process of its own for file.test.ts: `hold.ts DIRECTORY` locks the session, says so, and adds one to it and unlocks once it is told to. */
import { once } from 'node:events'
import { fileLoaderAt } from '../../../session/loaders/file.ts'

const loader = fileLoaderAt(process.argv[2]!)
const context = { serviceId: 'shop', isLocked: true }
const release = await loader.lock('shared', context, 5000)
const before = loader.load('shared', context)!
console.log('locked')
await once(process.stdin, 'data')
await loader.save(
  'shared',
  { ...before, data: JSON.stringify({ visits: JSON.parse(before.data).visits + 1 }) },
  context,
)
await release()
loader.close()
process.exit()
