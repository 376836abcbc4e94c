/** A process of its own for tests: `hold-remote.ts URL ID` locks the session and says so; it holds it until it is ended. */
import { openLoader } from '../../../session/open-loader.ts'

const [url, id] = process.argv.slice(2)
const type = new URL(url!).protocol.slice(0, -1) as 'redis' | 'postgres' | 'mysql'
await openLoader({ type, url: url! }).lock(id!, { serviceId: 'shop' }, 5000)
console.log('locked')
setInterval(() => {}, 1000)
