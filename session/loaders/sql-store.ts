import type { SessionRecord } from '../loader.ts'
import { SessionError } from '../session-error.ts'
import type { LockAnswer, RemoteStore } from './remote-store.ts'
import { type Row, recordOf, TABLE, valuesOf } from './sql-row.ts'
import { type Dialect, type Statement, type Statements, statementsOf } from './sql-statements.ts'
import { withoutPassword } from './without-password.ts'

/** How many connections a process opens at most. */
export const CONNECTIONS = 10
/** How long the opening of one may take. */
export const CONNECT_MS = 1000
/** How often a statement is tried that the database cancels in favour of another. */
const TRIES = 5
const PAGE = 100

export interface Answer {
  readonly rows: readonly Row[]
  /** How many rows it returned or changed. */
  readonly count: number
}

/**
 * Sessions in a table of a database, which is made when it is first used. The lock is in the session's row: a token, and when its lease
 * ends. So one statement takes the lock and reads the session as it is then; a join with a table of locks would read it as it was when the
 * statement began to wait. A session that is locked but not stored has a row of version 0, which nobody else sees: it goes with the lock,
 * or with a purge if its holder died.
 */
export abstract class SqlStore implements RemoteStore {
  readonly name: string
  protected readonly url: string
  protected readonly statements: Statements
  readonly #table: string

  /** `table` makes the table and its index. */
  constructor(url: string, dialect: Dialect, table: string) {
    this.url = url
    this.name = withoutPassword(url)
    this.statements = statementsOf(dialect)
    this.#table = dialect.write(table)
  }

  /** Makes the pool, which connects when something is asked. */
  protected abstract open(): Promise<void>
  abstract disconnect(): void
  /** Runs what has no parameters. */
  protected abstract define(text: string): Promise<unknown>
  protected abstract ask(statement: Statement, values: readonly unknown[]): Promise<Answer>
  /** What an error says of the table: there is none, or it has other columns. */
  protected abstract tableProblem(error: unknown): 'missing' | 'other' | undefined
  /** True where the database cancelled a statement in favour of another, and did nothing. */
  protected abstract isCancelled(error: unknown): boolean
  /** True where the database did not answer, or lets nobody in for now. */
  protected abstract isUnreachable(error: unknown): boolean

  async connect(): Promise<void> {
    this.disconnect()
    await this.open()
    if (await this.#isTableThere()) return
    // another process may make it at this moment: what counts is that it is there
    const refusal = await this.define(this.#table).then(
      () => undefined,
      error => error as Error,
    )
    if (!(await this.#isTableThere()))
      throw new Error(`it has no table ${TABLE}, which could not be made: ${refusal?.message}`, { cause: refusal })
  }

  async #isTableThere(): Promise<boolean> {
    try {
      await this.run(this.statements.look, [])
      return true
    } catch (cause) {
      const problem = this.tableProblem(cause)
      if (problem === 'missing') return false
      if (problem === undefined) throw cause
      throw new Error(`it has a table ${TABLE} of another shape: ${(cause as Error).message}`, { cause })
    }
  }

  /** Also where the table was removed: connecting makes it again. */
  isOutage(error: unknown): boolean {
    if (error instanceof SessionError) return false
    return this.isUnreachable(error) || this.tableProblem(error) === 'missing'
  }

  async lock(key: string, token: string, leaseMs: number): Promise<LockAnswer> {
    const row = await this.lockedRow(key, token, leaseMs)
    // given back meanwhile: it is nobody's, and the next try gets it
    const holder = String(row?.token ?? '')
    return { holder, record: row !== undefined && holder === token ? recordOf(row) : undefined }
  }

  /** The row after the lock was asked for, whoever holds it. */
  protected async lockedRow(key: string, token: string, leaseMs: number): Promise<Row | undefined> {
    const { rows } = await this.run(this.statements.lockAndLoad, [key, token, leaseMs, token])
    return rows[0] ?? this.heldRow(key, token)
  }

  protected async heldRow(key: string, token: string): Promise<Row | undefined> {
    const { rows } = await this.run(this.statements.loadHeld, [token, key])
    return rows[0]
  }

  async renew(key: string, token: string, leaseMs: number): Promise<void> {
    await this.run(this.statements.renew, [leaseMs, key, token])
  }

  async unlock(key: string, token: string): Promise<void> {
    const { count } = await this.run(this.statements.unlock, [key, token])
    if (count === 0) await this.run(this.statements.unlockUnstored, [key, token])
  }

  async load(key: string): Promise<SessionRecord | undefined> {
    const { rows } = await this.run(this.statements.load, [key])
    return rows[0] && recordOf(rows[0])
  }

  async save(
    key: string,
    record: SessionRecord,
    token: string | undefined,
    unlocks: boolean,
  ): Promise<'saved' | 'conflict' | 'locked'> {
    const { save, saveAndUnlock, saveUnheld, version } = this.statements
    const before = record.version - 1
    const values = [...valuesOf(record), key, before]
    if (token !== undefined) {
      const { count } = await this.run(unlocks ? saveAndUnlock : save, [...values, token])
      return count === 1 ? 'saved' : 'conflict'
    }
    if (before === 0 && (await this.insert(key, record))) return 'saved'
    // a new one too: over the row of a lock whose lease is over
    if ((await this.run(saveUnheld, values)).count === 1) return 'saved'
    const { rows } = await this.run(version, [key])
    return Number(rows[0]?.version ?? 0) === before ? 'locked' : 'conflict'
  }

  /** False where there is a row. */
  protected async insert(key: string, record: SessionRecord): Promise<boolean> {
    return (await this.run(this.statements.insert, [...valuesOf(record), key])).count === 1
  }

  async purge(now: number, most: number): Promise<number> {
    await this.run(this.statements.purgeUnstored, [now, most])
    return (await this.run(this.statements.purge, [now, most])).count
  }

  async *list(keyPrefix: string): AsyncGenerator<readonly [string, SessionRecord]> {
    // behind all keys that begin so: they are hexadecimal
    const end = `${keyPrefix}~`
    for (let last = '', isMore = true; isMore; ) {
      const { rows } = await this.run(this.statements.page, [keyPrefix, end, last, PAGE])
      for (const row of rows) {
        last = String(row.key)
        yield [last, recordOf(row)!]
      }
      isMore = rows.length === PAGE
    }
  }

  protected async run(statement: Statement, values: readonly unknown[]): Promise<Answer> {
    for (let tries = 1; ; tries++)
      try {
        return await this.ask(statement, values)
      } catch (error) {
        if (tries === TRIES || !this.isCancelled(error)) throw error
      }
  }
}
