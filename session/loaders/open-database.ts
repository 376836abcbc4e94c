import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

/** How long to wait for another process that is writing, in ms; this process does nothing else meanwhile. */
export const BUSY_MS = 1000

/**
 * What was committed survives the death of the process at any moment; the death of the machine may undo the last commits, but leaves the
 * database whole (https://sqlite.org/pragma.html#pragma_synchronous). Pages are small, for a save writes one of them. The log may grow to
 * 10 MB before it is brought in, so that a page which many saves wrote is written once. Both matter with many sessions.
 */
const settings = `
PRAGMA page_size = 1024;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 10000;
PRAGMA cache_size = -16000;
`

/**
 * The database keeps this text with its comments, for whoever looks into it. Of the times only `due` has an index: it is changed when the
 * end comes earlier, but not when it moves on with each use; an index on `ends` would make a save twice as expensive.
 */
const schema = `
CREATE TABLE sessions (
  key     TEXT PRIMARY KEY NOT NULL, -- hash of service and id: nobody learns an id here
  service TEXT NOT NULL,
  data    TEXT NOT NULL,             -- JSON
  created INTEGER NOT NULL,          -- this and all times: ms since 1970, UTC
  used    INTEGER NOT NULL,          -- last use
  ends    INTEGER,                   -- when it is over at the latest, by expiry or idleness
  expires INTEGER,                   -- when its expiry ends it
  label   TEXT,                      -- whose it is
  ended   INTEGER NOT NULL,          -- 1: ended by logout or code, kept for a while so that nobody brings it back
  version INTEGER NOT NULL,          -- counts the saves
  due     INTEGER                    -- when a purge is to look at it: at its end or before
) STRICT;
CREATE INDEX sessions_due ON sessions (due) WHERE due IS NOT NULL;
CREATE INDEX sessions_label ON sessions (label) WHERE label IS NOT NULL;
CREATE TRIGGER sessions_ends AFTER UPDATE OF ends ON sessions WHEN new.ends < coalesce(old.due, 9e15)
BEGIN
  UPDATE sessions SET due = new.ends WHERE key = new.key;
END;
CREATE VIEW sessions_dated AS SELECT service, label, data,
  datetime(created / 1000, 'unixepoch') AS created, datetime(used / 1000, 'unixepoch') AS used,
  datetime(ends / 1000, 'unixepoch') AS ends, datetime(expires / 1000, 'unixepoch') AS expires,
  ended, version, key FROM sessions;
`
const columns = 'key service data created used ends expires label ended version due'

/** The database in that file, which may be empty, with its table `sessions`. Throws what SQLite throws. */
export function openDatabase(path: string): DatabaseSync {
  // not imported: a server without sqlite sessions does not wait for the driver
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  const database = new DatabaseSync(path, { timeout: BUSY_MS })
  try {
    database.exec(settings)
    if (!hasTable(database)) makeTable(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Makes the file, 0600, if it is missing: SQLite would go by the umask. Its other files get the same mode. Those that an earlier file of that
 * name has left must go first, removed by one process: `lock` is its mutex, and answers undefined where another process has it.
 */
export function makeDatabaseFile(path: string, lock: () => (() => void) | undefined): void {
  if (existsSync(path)) return
  const left = [`${path}-wal`, `${path}-shm`]
  if (!left.some(file => existsSync(file))) return makeFile(path)
  const release = lock()
  if (release === undefined) throw new DatabaseMissingError('it was removed, and another process is making it again')
  try {
    if (existsSync(path)) return
    for (const file of left) rmSync(file, { force: true })
    makeFile(path)
  } finally {
    release()
  }
}

/** The database is not there at this moment. */
export class DatabaseMissingError extends Error {}

function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** False where it is missing; throws where the table of that name is another one. */
function hasTable(database: DatabaseSync): boolean {
  const found = database
    .prepare("SELECT name FROM pragma_table_info('sessions')")
    .all()
    .map(({ name }) => name)
    .join(' ')
  if (found !== '' && found !== columns)
    throw new Error(`its table sessions has other columns: expected ${columns}, found ${found}`)
  return found !== ''
}

function makeTable(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    // another process may have been faster
    if (!hasTable(database)) database.exec(schema)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
