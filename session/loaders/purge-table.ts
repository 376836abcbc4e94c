import type { FileLock } from './file-lock.ts'
import type { Due, SessionTable } from './session-table.ts'

/** How many rows a step looks at, in some 2 ms. */
const STEP = 100

/**
 * Removes the rows of sessions that are over and not in use, and the locks that dead processes have left; resolves to how many rows. One
 * process does it at a time. `table` is asked again for each step; `now`: ms.
 */
export async function purgeTable(table: () => SessionTable, lock: FileLock, now: number): Promise<number> {
  // opened before: there may have been no directory yet
  table()
  const mutex = lock.mutex('purge')
  if (mutex === undefined) return 0
  let removed = 0
  try {
    await lock.clear()
    for (let rows: Due[] = []; ; ) {
      rows = table().due(now, rows.at(-1), STEP)
      for (const row of rows) if (purgeOne(table(), row, lock, now)) removed++
      if (rows.length < STEP) break
      await new Promise(setImmediate)
    }
  } finally {
    mutex()
  }
  return removed
}

function purgeOne(table: SessionTable, { key, ends }: Due, lock: FileLock, now: number): boolean {
  if (ends === null || ends > now) {
    table.postpone(key)
    return false
  }
  const release = lock.tryLock(key)
  if (release === undefined) return false
  try {
    return table.removeOver(key, now)
  } finally {
    release()
  }
}
