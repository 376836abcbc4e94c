/** A process of its own for tests: `hold.ts DIRECTORY` locks the session, says so, and adds one to it and unlocks once it is told to, and says the answer. */
import { once } from 'node:events'
import { FileSessionLoader } from '../../../session/loaders/file.ts'

const loader = new FileSessionLoader(process.argv[2]!)
const lock = await loader.lock('shared', { serviceId: 'shop' }, 5000)
const context = { serviceId: 'shop', lock }
const before = loader.load('shared', context)!
console.log('locked')
await once(process.stdin, 'data')
const data = JSON.stringify({ visits: JSON.parse(before.data).visits + 1 })
console.log(await loader.save('shared', { ...before, data, version: before.version + 1 }, context))
await lock.release()
loader.close()
process.exit()
