import type { Readable } from 'node:stream'
import type { RequestState } from '../request-state.ts'

const LONGEST_LINE = 8 * 1024
const MOST = 64 * 1024

/** Writes what a program says on standard error to the error log, a line for a line, 64 KiB for a request; the rest is read and dropped. */
export function logStderr(state: RequestState, stderr: Readable, file: string): void {
  const write = (line: string): void => {
    if (line !== '') state.site.errorLog.write('error', `stderr from ${file}: ${line}`, state)
  }
  let begun = ''
  let left = MOST
  stderr.setEncoding('utf8')
  stderr.on('data', (text: string) => {
    if (left === 0) return
    const lines = (begun + text.slice(0, left)).split(/\r?\n/)
    left = Math.max(0, left - text.length)
    begun = lines.pop()!
    while (begun.length > LONGEST_LINE) {
      lines.push(begun.slice(0, LONGEST_LINE))
      begun = begun.slice(LONGEST_LINE)
    }
    lines.forEach(write)
    if (left > 0) return
    write(begun)
    write(`(more than ${MOST} characters: the rest is left out)`)
    begun = ''
  })
  stderr.on('close', () => write(begun))
  stderr.on('error', () => {})
}
