import { closeSync, openSync, writeSync } from 'node:fs'
import type { LogTarget } from '../../directives/index.ts'

/** A log that is appended to. Nothing here can fail a request: lines that cannot be written are counted, and the next that can says how many. */
export interface LogFile {
  /** Opens it now, not with its first line; answers why that failed. */
  open(): Error | undefined
  /** A whole line, with its line feed. */
  write(line: string): void
  /** After a rotation: goes on in a new file of the same name, or in `next`. */
  reopen(next?: LogTarget): void
  /** Writes what is waiting, at once, and closes. */
  close(): void
}

const FLUSH_MS = 100
const FLUSH_BYTES = 64 * 1024

/**
 * Lines wait for up to 100 ms or 64 KiB and are appended in one piece; `immediate`: each line is written before the call returns, so that a
 * process that dies has said why. Written by this thread: to wake another one for it costs more than the writing, some 2 us a request under
 * load. A file is made with mode 0640.
 */
export function createLogFile(target: LogTarget, { immediate = false }: { immediate?: boolean } = {}): LogFile {
  let fd: number | undefined
  let waiting: string[] = []
  let size = 0
  let lost = 0
  /** A line was cut off when the disk was full: the next begins on a line of its own. */
  let isCut = false
  let timer: NodeJS.Timeout | undefined

  function descriptor(): number {
    if (fd === undefined && target.type === 'file') fd = openSync(target.path, 'a', 0o640)
    return (fd ??= target.type === 'stdout' ? 1 : 2)
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const count = waiting.length
    if (count === 0) return
    const told = lost === 0 ? '' : `[${lost} lines could not be written]\n`
    const bytes = Buffer.from(`${isCut ? '\n' : ''}${told}${waiting.join('')}`)
    waiting = []
    size = 0
    let at = 0
    try {
      const used = descriptor()
      while (at < bytes.length) at += writeSync(used, bytes, at)
      lost = 0
      isCut = false
    } catch {
      // a piece that was cut in two may not have lost all of its lines: better to count too many than too few
      lost += count
      if (at > 0) isCut = bytes[at - 1] !== 0x0a
    }
  }

  function closeFile(): void {
    if (fd !== undefined && fd > 2) closeSync(fd)
    fd = undefined
  }

  return {
    open() {
      if (target.type === 'none') return undefined
      try {
        descriptor()
        return undefined
      } catch (error) {
        return error as Error
      }
    },
    write(line) {
      if (target.type === 'none') return
      waiting.push(line)
      size += line.length
      if (immediate || size > FLUSH_BYTES) flush()
      else timer ??= setTimeout(flush, FLUSH_MS).unref()
    },
    reopen(next = target) {
      flush()
      closeFile()
      target = next
    },
    close() {
      flush()
      closeFile()
    },
  }
}
