import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { SessionRecord } from '../loader.ts'
import { openDatabase } from './open-database.ts'

/** The columns that `selected` reads, in its order: without their names, which would be a fifth of the cost. */
type Row = [
  service: string,
  data: string,
  created: number,
  used: number,
  ends: number | null,
  expires: number | null,
  label: string | null,
  ended: number,
  version: number,
  key: string,
  isJson: number,
]

/** What is stored under a key. */
export interface StoredRow {
  readonly key: string
  /** Undefined: it cannot be read. */
  readonly record: SessionRecord | undefined
}

const fields = 'service, data, created, used, ends, expires, label, ended, version, key'
const selected = `${fields}, json_valid(data) AS isJson`

/** The table `sessions` of a database. Each method is one statement, and so one transaction; it throws what SQLite throws. */
export class SessionTable {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #select: StatementSync
  readonly #update: StatementSync

  constructor(path: string) {
    this.#database = openDatabase(path)
    this.#select = this.#statement(`SELECT ${selected} FROM sessions WHERE key = ?`)
    this.#select.setReturnArrays(true)
    this.#update = this.#statement(
      `UPDATE sessions SET service = ?1, data = ?2, created = ?3, used = ?4, ends = ?5, expires = ?6, label = ?7, ended = ?8,
      version = ?9 WHERE key = ?10 AND version = ?9 - 1`,
    )
  }

  find(key: string): StoredRow | undefined {
    let row: object | undefined
    try {
      row = this.#select.get(key)
    } catch (error) {
      // the row has a number that no session can have
      if ((error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE') return { key, record: undefined }
      throw error
    }
    return row === undefined ? undefined : stored(row as Row)
  }

  /** Stores a record over the version before it, or the first one where there is none; else false, and nothing is stored. */
  store(key: string, record: SessionRecord): boolean {
    const { serviceId, data, createdAt, usedAt, endsAt, expiresAt, label, ended, version } = record
    const statement =
      version > 1
        ? this.#update
        : this.#statement(
            `INSERT INTO sessions (${fields}, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?5) ON CONFLICT DO NOTHING`,
          )
    const { changes } = statement.run(
      serviceId,
      data,
      createdAt,
      usedAt,
      endsAt ?? null,
      expiresAt ?? null,
      label ?? null,
      ended === true ? 1 : 0,
      version,
      key,
    )
    return changes === 1
  }

  /** Moves what cannot be read out of the way, where it ends at `ends`, ms. */
  setAside(key: string, ends: number): void {
    this.#statement('UPDATE OR REPLACE sessions SET key = ?1, ends = ?2, due = ?2 WHERE key = ?3').run(
      `${key}.damaged`,
      ends,
      key,
    )
  }

  /** The next rows after a key, in the order of their keys, that begin with `keyPrefix`; none that were set aside. */
  page(after: string, keyPrefix: string, most: number): StoredRow[] {
    const statement = this.#statement(
      `SELECT ${selected} FROM sessions WHERE key > ? AND key >= ? AND key < ? AND length(key) = 64 ORDER BY key LIMIT ?`,
    )
    statement.setReturnArrays(true)
    return (statement.all(after, keyPrefix, `${keyPrefix}g`, most) as unknown as Row[]).map(stored)
  }

  /** The next rows that a purge is to look at, after `after`. */
  due(now: number, after: Due | undefined, most: number): Due[] {
    return this.#statement(
      'SELECT due, rowid, key, ends FROM sessions WHERE due <= ? AND (due, rowid) > (?, ?) ORDER BY due, rowid LIMIT ?',
    ).all(now, after?.due ?? -Infinity, after?.rowid ?? 0, most) as unknown as Due[]
  }

  /** Has a purge look at it again when it is over. */
  postpone(key: string): void {
    this.#statement('UPDATE sessions SET due = ends WHERE key = ?').run(key)
  }

  /** False where it has got another end meanwhile. */
  removeOver(key: string, now: number): boolean {
    return this.#statement('DELETE FROM sessions WHERE key = ? AND ends <= ?').run(key, now).changes === 1
  }

  close(): void {
    this.#database.close()
  }

  /** Prepared when it is first used. */
  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)))
    return statement
  }
}

/** A row that a purge is to look at, and its place in the order of these. */
export interface Due {
  readonly due: number
  readonly rowid: number
  readonly key: string
  readonly ends: number | null
}

function stored([service, data, created, used, ends, expires, label, ended, version, key, isJson]: Row): StoredRow {
  if (isJson === 0) return { key, record: undefined }
  return {
    key,
    record: {
      serviceId: service,
      data,
      createdAt: created,
      usedAt: used,
      ...(ends === null ? {} : { endsAt: ends }),
      ...(expires === null ? {} : { expiresAt: expires }),
      ...(label === null ? {} : { label }),
      ...(ended === 0 ? {} : { ended: true }),
      version,
    },
  }
}
