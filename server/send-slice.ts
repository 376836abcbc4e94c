import { closeSync, read } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { type FileSlice, writeChunk } from './output.ts'

const CHUNK = 256 * 1024
const readFrom = promisify(read)

/** Streams a slice and closes it. A file that turns out shorter cuts the connection: the length has been promised. */
export async function sendSlice({ fd, start, length }: FileSlice, response: ServerResponse): Promise<void> {
  try {
    let at = start
    const end = start + length
    while (at < end && !response.destroyed) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
      const { bytesRead } = await readFrom(fd, chunk, 0, chunk.length, at)
      if (bytesRead === 0) {
        response.destroy()
        return
      }
      at += bytesRead
      await writeChunk(response, chunk.subarray(0, bytesRead))
    }
    if (!response.destroyed) response.end()
  } finally {
    closeSync(fd)
  }
}
