import { columns, TABLE } from './sql-row.ts'

export interface Statement {
  /** The name under which the database keeps the prepared statement. */
  readonly name: string
  readonly text: string
}

/** What the databases write differently. */
export interface Dialect {
  /** Now, by its own clock. */
  readonly clock: string
  /** A span of as many ms as a parameter says. */
  readonly span: string
  /** The end of an INSERT of a lock: where there is a row, it takes the lock if `isFree`. */
  takeWhere(isFree: string): string
  /** The end of an INSERT that does nothing where there is a row; absent: it fails. */
  readonly orNothing?: string
  /** Removes at most as many sessions as a parameter says of those of which `condition` is true, the oldest first. */
  removal(condition: string): string
  /** A text with "names" and `?` for its parameters, as this database has it. */
  write(text: string): string
}

export type Statements = ReturnType<typeof statementsOf>

const names = columns.map(name => `"${name}"`).join(', ')
const marks = columns.map(() => '?').join(', ')
const settings = columns.map(name => `"${name}" = ?`).join(', ')
/** A row as the holder sees it whose token a parameter names; others, who wait, do without the data, which may be long. */
const held = `${names.replace('"data"', `CASE WHEN "token" = ? THEN "data" END AS "data"`)}, "token"`

/** All statements on the table, in SQL that all databases understand, apart from what the dialect supplies. */
export function statementsOf({ clock, span, takeWhere, orNothing = '', removal, write }: Dialect) {
  const isFree = `(${TABLE}."until" IS NULL OR ${TABLE}."until" <= ${clock})`
  const statement = (name: string, text: string): Statement => ({ name: `pso ${name}`, text: write(text) })
  const save = (name: string, also: string, where: string): Statement =>
    statement(name, `UPDATE ${TABLE} SET ${settings}${also} WHERE "key" = ? AND "version" = ? AND ${where}`)
  const unlocked = ', "token" = NULL, "until" = NULL'
  const lock = `INSERT INTO ${TABLE} ("key", "service", "data", "created", "used", "ends", "ended", "version", "token", "until")
VALUES (?, '', '', 0, 0, 0, FALSE, 0, ?, ${clock} + ${span}) ${takeWhere(isFree)}`
  return {
    look: statement('look', `SELECT "key", ${names}, "token" FROM ${TABLE} WHERE "until" > ${clock} LIMIT 0`),
    lock: statement('lock', lock),
    lockAndLoad: statement('lock and load', `${lock} RETURNING ${held}`),
    loadHeld: statement('load held', `SELECT ${held} FROM ${TABLE} WHERE "key" = ?`),
    renew: statement('renew', `UPDATE ${TABLE} SET "until" = ${clock} + ${span} WHERE "key" = ? AND "token" = ?`),
    unlock: statement(
      'unlock',
      `UPDATE ${TABLE} SET "token" = NULL, "until" = NULL WHERE "key" = ? AND "token" = ? AND "version" > 0`,
    ),
    unlockUnstored: statement(
      'unlock unstored',
      `DELETE FROM ${TABLE} WHERE "key" = ? AND "token" = ? AND "version" = 0`,
    ),
    load: statement('load', `SELECT ${names} FROM ${TABLE} WHERE "key" = ? AND "version" > 0`),
    insert: statement('insert', `INSERT INTO ${TABLE} (${names}, "key") VALUES (${marks}, ?) ${orNothing}`),
    save: save('save', '', '"token" = ?'),
    saveAndUnlock: save('save and unlock', unlocked, '"token" = ?'),
    saveUnheld: save('save unheld', unlocked, isFree),
    version: statement('version', `SELECT "version" FROM ${TABLE} WHERE "key" = ?`),
    purge: statement('purge', removal(`"ends" <= ? AND "version" > 0 AND ${isFree}`)),
    purgeUnstored: statement('purge unstored', removal(`"ends" <= ? AND "version" = 0 AND ${isFree}`)),
    page: statement(
      'page',
      `SELECT "key", ${names} FROM ${TABLE}
WHERE "key" >= ? AND "key" < ? AND "key" > ? AND "version" > 0 ORDER BY "key" LIMIT ?`,
    ),
  } as const
}
