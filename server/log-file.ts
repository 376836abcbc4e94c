import { closeSync, openSync, write, writeSync } from 'node:fs'
import type { LogTarget } from '../directives/index.ts'

/** A log that is appended to. Nothing here can fail a request: what cannot be written is counted, and said when it can be again. */
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
const MOST_WAITING = 8 * 1024 * 1024

/**
 * Lines wait for up to 100 ms and are appended in one piece, one write at a time; `immediate`: each line is written before the call
 * returns, so that a process that dies has said why. A file is made with mode 0640.
 */
export function createLogFile(target: LogTarget, { immediate = false }: { immediate?: boolean } = {}): LogFile {
  let fd: number | undefined
  let waiting: string[] = []
  let size = 0
  let lost = 0
  /** A line was cut off when the disk was full: the next begins on a line of its own. */
  let isCut = false
  /** The descriptor of the write that is under way. */
  let writing: number | undefined
  let timer: NodeJS.Timeout | undefined

  function descriptor(): number {
    if (fd === undefined && target.type === 'file') fd = openSync(target.path, 'a', 0o640)
    return (fd ??= target.type === 'stdout' ? 1 : 2)
  }

  function take(): Buffer {
    const told = lost === 0 ? '' : `[${lost} lines could not be written]\n`
    const text = `${isCut ? '\n' : ''}${told}${waiting.join('')}`
    waiting = []
    size = 0
    return Buffer.from(text)
  }

  function written(count: number, bytes: Buffer, length: number): void {
    if (length === bytes.length) {
      lost = 0
      isCut = false
      return
    }
    // a write that was cut in two may have lost less than all of its lines: too many said is better than too few
    lost += count
    if (length > 0) isCut = bytes[length - 1] !== 0x0a
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (writing !== undefined || waiting.length === 0) return
    const count = waiting.length
    const bytes = take()
    let used: number
    try {
      used = descriptor()
    } catch {
      lost += count
      return
    }
    writing = used
    const next = (at: number): void =>
      write(used, bytes, at, bytes.length - at, null, (error, length) => {
        if (error === null && at + length < bytes.length) return next(at + length)
        writing = undefined
        written(count, bytes, error === null ? bytes.length : at)
        // a reopen meanwhile left it to this write to close its descriptor
        if (used !== fd && used > 2) closeSync(used)
        if (waiting.length > 0) flush()
      })
    next(0)
  }

  function writeNow(): void {
    const count = waiting.length
    if (count === 0) return
    const bytes = take()
    let at = 0
    try {
      const used = descriptor()
      while (at < bytes.length) at += writeSync(used, bytes, at)
    } catch {
      // counted below
    }
    written(count, bytes, at)
  }

  function closeFile(): void {
    if (fd !== undefined && fd > 2 && fd !== writing) closeSync(fd)
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
      if (size > MOST_WAITING) {
        lost++
        return
      }
      waiting.push(line)
      size += line.length
      if (immediate) writeNow()
      else if (size > FLUSH_BYTES) flush()
      else timer ??= setTimeout(flush, FLUSH_MS).unref()
    },
    reopen(next = target) {
      writeNow()
      closeFile()
      target = next
    },
    close() {
      clearTimeout(timer)
      writeNow()
      closeFile()
    },
  }
}
