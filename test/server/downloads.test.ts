import t from 'tap'
import { downloadMemory, plantDownloads, ways } from '../support/download-memory.ts'
import { startPso } from '../support/pso-process.ts'

// the short form of test/bench/downloads.ts
t.test('an answer of 256 MiB takes no more memory than a small one, in whichever way it is made', async t => {
  const bytes = 256 * 2 ** 20
  const ini = plantDownloads(t.testdir({}), bytes)
  const pso = startPso(t, ['serve', '--production', '--workers', '1', '--config', ini])
  const url = await pso.url
  for (const way of ways) {
    const { idle, peak, received } = await downloadMemory(`${url}/`, pso.child.pid!, way)
    t.equal(received, bytes, way)
    t.ok(peak - idle < 120, `${way}: ${(peak - idle).toFixed(0)} MiB above idle`)
  }
})
