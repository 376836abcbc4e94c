/**
 * Resident memory and time of uploads of 1 GiB and of 4 GiB, in one run: `node test/bench/uploads.ts [GiB …]`. At most 120 MiB above idle, and no
 * more for the second than for the first. The files lie in the system's directory for temporary files, one at a time.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peakWhile, residentMiB } from '../support/processes.ts'
import { sendUpload } from '../support/send-upload.ts'
import { serveSite } from '../support/served-site.ts'
import { uploadTree } from '../support/uploads.ts'
import { asTest } from './as-test.ts'

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 4]
const work = mkdtempSync(join(tmpdir(), 'pso-bench-'))
const { test, end } = asTest()

try {
  const site = await serveSite(test, work, uploadTree)
  const [worker] = site.workers()
  await sendUpload(`${site.url}/up/`, 1024 * 1024)
  const idle = residentMiB(worker!)
  console.log(`Node ${process.version}, idle ${idle.toFixed(0)} MiB`)
  for (const size of sizes) {
    const began = performance.now()
    const { value, peak, quarters } = await peakWhile(worker!, () => sendUpload(`${site.url}/up/`, size * 2 ** 30))
    const seconds = (performance.now() - began) / 1000
    const rate = ((size * 1024) / seconds).toFixed(0)
    console.log(
      `${size} GiB: ${value.split('\r\n\r\n')[1]} bytes, ${(peak - idle).toFixed(0)} MiB above idle (at most 120), by quarters ${quarters.map(most => (most - idle).toFixed(0)).join(' ')}, ${rate} MiB/s`,
    )
  }
} finally {
  await end()
  rmSync(work, { recursive: true, force: true })
}
