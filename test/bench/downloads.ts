/**
 * Resident memory of a server above idle while large answers are downloaded: `node test/bench/downloads.ts [GiB ...]`, default 1 and 4.
 * The limit is 120 MiB, and what does not grow from quarter to quarter is no more for the second than for the first.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { downloadMemory, plantDownloads, ways } from '../support/download-memory.ts'
import { cli } from '../support/project.ts'
import { start, stopAll } from './measure.ts'

const sizes = process.argv.slice(2).map(Number)
const work = mkdtempSync(join(tmpdir(), 'pso-bench-'))
const MIB = 2 ** 20

try {
  for (const gib of sizes.length === 0 ? [1, 4] : sizes) {
    const bytes = gib * 2 ** 30
    const ini = plantDownloads(work, bytes)
    for (const way of ways) {
      // a server of its own for each: none has the memory of another's
      const { url, pid } = await start(process.execPath, [
        cli,
        ...['serve', '--production', '--workers', '1', '--config', ini],
      ])
      const began = performance.now()
      const { idle, peak, quarters, received } = await downloadMemory(url, pid, way)
      const seconds = (performance.now() - began) / 1000
      if (received !== bytes) throw new Error(`${way}: ${received} bytes came of ${bytes}`)
      console.log(
        `${gib} GiB ${way.padEnd(10)} ${(peak - idle).toFixed(0).padStart(4)} MiB above idle (${idle.toFixed(0)} MiB), by quarters ${quarters.map(most => (most - idle).toFixed(0)).join(' ')}, ${(bytes / MIB / seconds).toFixed(0)} MiB/s`,
      )
      await stopAll()
    }
  }
} finally {
  await stopAll()
  rmSync(work, { recursive: true, force: true })
}
