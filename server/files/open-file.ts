import { closeSync, fstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { isAtLimits } from '../at-limits.ts'
import { Refusal } from '../refusal.ts'
import { openToRead } from './open-to-read.ts'

/** An open file: everything here is about this very file, whatever has its name later. */
export interface OpenFile {
  readonly fd: number
  readonly stats: Stats
  /** The path that this very file has, links resolved. */
  readonly realPath: string
}

/** Opens a file and learns its real path; one that is replaced meanwhile is opened again. */
export function openFile(file: string): OpenFile {
  for (let attempt = 0; attempt < 5; attempt++) {
    const opened = openOnce(file)
    if (opened !== undefined) return opened
  }
  throw new Refusal(503, `${file} is replaced again and again`)
}

function openOnce(file: string): OpenFile | undefined {
  let fd: number | undefined
  try {
    fd = openToRead(file)
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw new Refusal(403, `${file} is no file`)
    const realPath = realpathSync.native(file)
    const named = statSync(realPath)
    if (named.ino === stats.ino && named.dev === stats.dev) return { fd, stats, realPath }
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    throw error instanceof Refusal ? error : notOpened(file, error as NodeJS.ErrnoException)
  }
  closeSync(fd)
  return undefined
}

function notOpened(file: string, error: NodeJS.ErrnoException): Refusal {
  const { code } = error
  if (code === 'ENOENT' || code === 'ENOTDIR') return new Refusal(404, `${file} has just gone`)
  return new Refusal(isAtLimits(error) ? 503 : 403, `${file} cannot be read: ${code}`)
}
