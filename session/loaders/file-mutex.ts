import { closeSync, openSync } from 'node:fs'

/** The answer of SQLite where another has the file (https://sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5

/**
 * One process at a time, on this machine and on all that share the file, in whichever namespaces; undefined where another has it for longer
 * than `waitMs`, which blocks. The kernel, or the server of the shared directory, gives it free when the process dies. Node has no fcntl(2)
 * locks of its own: those of SQLite it is, on a database that stays empty.
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

/** For this user alone: who can open it can take it. One that is there is not opened, for closing it again would give this process's lock free (fcntl(2)). */
function create(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
