import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const CHUNK = 64 * 1024

/** Writes lines to standard output as fast as it takes them, until it takes no more: the end of the command tells why. */
export async function printLines(lines: Iterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(chunksOf(lines)), process.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'write') throw error
  }
}

function* chunksOf(lines: Iterable<string>): Generator<string> {
  let chunk = ''
  for (const line of lines) {
    chunk += `${line}\n`
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
