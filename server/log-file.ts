import { closeSync, openSync, write, writeSync } from 'node:fs'
import type { LogTarget } from '../directives/index.ts'

/** A log that is appended to. Nothing here can fail a request: what cannot be written is counted, and said when it can be again. */
export interface LogFile {
  /** A whole line, with its line feed. */
  write(line: string): void
  /** Goes on in a new file of the same name, after a rotation, or in another target. */
  reopen(target?: LogTarget): void
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
export function createLogFile(first: LogTarget, { immediate = false }: { immediate?: boolean } = {}): LogFile {
  const descriptor = (): number =>
    target.type === 'file' ? openSync(target.path, 'a', 0o640) : target.type === 'stdout' ? 1 : 2
  let target = first
  let fd: number | undefined
  let waiting: string[] = []
  let size = 0
  let lost = 0
  let isWriting = false
  let timer: NodeJS.Timeout | undefined

  function take(): string {
    const text = lost === 0 ? waiting.join('') : `${waiting.join('')}[${lost} lines could not be written]\n`
    waiting = []
    size = 0
    return text
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (isWriting || waiting.length === 0) return
    const count = waiting.length
    const bytes = Buffer.from(take())
    try {
      fd ??= descriptor()
    } catch {
      lost += count
      return
    }
    isWriting = true
    // the descriptor of this write: a reopen meanwhile closes it when the write is done
    const used = fd
    write(used, bytes, 0, bytes.length, null, error => {
      isWriting = false
      if (error === null) lost = 0
      else lost += count
      if (used !== fd && isOwn(used)) closeSync(used)
      if (waiting.length > 0) flush()
    })
  }

  function writeNow(): void {
    const count = waiting.length
    if (count === 0) return
    const bytes = Buffer.from(take())
    try {
      fd ??= descriptor()
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      lost = 0
    } catch {
      lost += count
    }
  }

  function closeFile(): void {
    if (fd !== undefined && isOwn(fd) && !isWriting) closeSync(fd)
    fd = undefined
  }

  return {
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

/** A file that this log has opened, and not standard output or standard error. */
const isOwn = (fd: number): boolean => fd > 2
