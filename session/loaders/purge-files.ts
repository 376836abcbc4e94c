import { closeSync, lstatSync, openSync, unlinkSync } from 'node:fs'
import { DAMAGED_MS } from '../life.ts'
import type { FileLock } from './file-lock.ts'
import type { OpenFiles } from './open-files.ts'
import { sessionFiles } from './session-files.ts'
import { readRecord, writeRecord } from './slots.ts'

/**
 * Removes the files of sessions that are over, and what dead processes have left; resolves to how many. Looks at every file, one after
 * the other, in one process at a time. `now`: ms.
 */
export async function purgeFiles(directory: string, lock: FileLock, open: OpenFiles, now: number): Promise<number> {
  const mutex = lock.mutex('purge')
  if (mutex === undefined) return 0
  let removed = 0
  try {
    await lock.clear()
    for await (const path of sessionFiles(directory)) {
      if (purgeOne(path, lock, open, now)) removed++
      await new Promise(setImmediate)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    mutex()
  }
  return removed
}

function purgeOne(path: string, lock: FileLock, open: OpenFiles, now: number): boolean {
  if (path.endsWith('.damaged')) return isOld(path, now) && removeFile(path)
  const release = lock.tryLock(path)
  if (release === undefined) return false
  try {
    const fd = openSync(path, 'r+')
    try {
      const { record } = readRecord(fd)
      // begun by a process that died before it wrote, or damaged and never asked for again
      if (record === undefined) return isOld(path, now) && removeFile(path)
      if (record.endsAt === undefined || record.endsAt > now) return false
      // whoever has the file open finds it ended, and looks again
      writeRecord(fd, { ...record, data: '{}', ended: true, version: record.version + 1 })
    } finally {
      closeSync(fd)
    }
    open.close(path)
    return removeFile(path)
  } catch {
    return false
  } finally {
    release()
  }
}

function isOld(path: string, now: number): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats !== undefined && now - stats.mtimeMs >= DAMAGED_MS
}

function removeFile(path: string): true {
  unlinkSync(path)
  return true
}
