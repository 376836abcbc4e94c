import { closeSync, openSync } from 'node:fs'

/** The answer of SQLite where another has the file (https://sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5

/**
 * Admits one process at a time, of this machine and all that share the file, in whichever namespaces; undefined where another has it for
 * longer than `waitMs`, during which this process blocks. The kernel, or the server of the shared directory, frees it when the process dies.
 * Node has no fcntl(2) locks of its own, so it is SQLite's, on a database that stays empty.
 */
export function fileMutex(file: string, waitMs: number): (() => void) | undefined {
  create(file)
  // loaded when the first one is wanted: most processes want none
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  const database = new DatabaseSync(file, { timeout: waitMs })
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE')
    return () => database.close()
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
}

/**
 * For this user alone: whoever can open the file can take it. An existing file is not opened, for closing it again would free this process's
 * lock (fcntl(2)).
 */
function create(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
