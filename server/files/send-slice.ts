import { closeSync, fstatSync, read, readSync } from 'node:fs'
import { setTimeout as passed } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { FileSlice } from '../api/output.ts'
import type { Outgoing } from '../outgoing.ts'
import { writeChunk } from '../write-chunk.ts'

const CHUNK = 256 * 1024
/** A write sets the time of a file before its size. */
const WRITE_MS = 20
const readFrom = promisify(read)

/**
 * Streams a slice and closes it; the response goes on. Its length has been promised, and the bytes of one version: if the file turns out
 * shorter, or is overwritten while it is sent, that is an Error, and the answer is cut. A file that only grows, such as a log, is sent as far
 * as was promised.
 */
export async function sendSlice(
  { fd, start, length, stats }: FileSlice,
  response: Outgoing,
  timeoutMs: number,
): Promise<void> {
  try {
    let at = start
    const end = start + length
    let { mtimeMs } = stats
    let sent: Buffer | undefined
    while (at < end && !response.destroyed) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
      const { bytesRead } = await readFrom(fd, chunk, 0, chunk.length, at)
      const now = fstatSync(fd)
      if (bytesRead === 0 || (now.mtimeMs !== mtimeMs && !(await hasOnlyGrown(fd, stats.size, sent, at))))
        throw new Error('a file was changed while it was sent')
      mtimeMs = now.mtimeMs
      sent = chunk.subarray(0, bytesRead)
      at += bytesRead
      await writeChunk(response, sent, timeoutMs)
    }
  } finally {
    closeSync(fd)
  }
}

/** True where it is longer than it was, and still has the piece that was sent last, which ends at `end`. */
async function hasOnlyGrown(fd: number, size: number, sent: Buffer | undefined, end: number): Promise<boolean> {
  if (fstatSync(fd).size <= size) await passed(WRITE_MS)
  if (fstatSync(fd).size <= size) return false
  if (sent === undefined) return true
  const again = Buffer.allocUnsafe(sent.length)
  return readSync(fd, again, 0, again.length, end - again.length) === sent.length && again.equals(sent)
}
