import { closeSync, fstatSync } from 'node:fs'
import { resolve } from 'node:path'
import type { FileSlice } from '../api/output.ts'
import { isAtLimits } from '../at-limits.ts'
import { Refusal } from '../refusal.ts'
import { openToRead } from './open-to-read.ts'

/**
 * Opens the `length` bytes of a file from `offset` on, or what there is of them; without `length`, the rest. A relative path is seen from
 * `base`. An Error that names the file where it is missing, cannot be read or is no regular file; a Refusal (503) where this process has no
 * descriptor left.
 */
export function openSlice(base: string, path: string, offset: number, length: number | undefined): FileSlice {
  if (typeof path !== 'string') throw new TypeError(`expected the path of a file to send, got ${typeof path}`)
  requireBytes('an offset', offset)
  if (length !== undefined) requireBytes('a length', length)
  const file = resolve(base, path)
  let fd: number
  try {
    fd = openToRead(file)
  } catch (error) {
    throw notOpened(file, path, error as NodeJS.ErrnoException)
  }
  const stats = fstatSync(fd)
  if (!stats.isFile()) {
    closeSync(fd)
    throw new Error(`expected a file to send, ${file} is ${stats.isDirectory() ? 'a directory' : 'something else'}`)
  }
  const rest = Math.max(0, stats.size - offset)
  return { fd, start: offset, length: Math.min(length ?? rest, rest), stats }
}

function requireBytes(what: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`expected ${what} of 0 bytes or more, got ${String(count)}`)
}

function notOpened(file: string, path: string, error: NodeJS.ErrnoException): Error {
  if (isAtLimits(error)) return new Refusal(503, `the file ${file} cannot be sent: ${error.code}`)
  const seenFrom = path === file ? '' : `: ${path} is looked for where the handler was named`
  const message =
    error.code === 'ENOENT' || error.code === 'ENOTDIR'
      ? `expected a file to send, there is no ${file}${seenFrom}`
      : `the file ${file} cannot be sent: ${error.code}`
  return new Error(message, { cause: error })
}
