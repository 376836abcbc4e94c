import type { Pool } from 'pg'
import { driver } from './driver.ts'
import { Sockets } from './sockets.ts'
import { TABLE } from './sql-row.ts'
import type { Dialect, Statement } from './sql-statements.ts'
import { type Answer, CONNECT_MS, CONNECTIONS, SqlStore } from './sql-store.ts'

const dialect: Dialect = {
  clock: 'clock_timestamp()',
  span: `? * interval '1 ms'`,
  // no row where it is not free: nothing is written then
  takeWhere: isFree =>
    `ON CONFLICT ("key") DO UPDATE SET "token" = excluded."token", "until" = excluded."until" WHERE ${isFree}`,
  orNothing: 'ON CONFLICT DO NOTHING',
  // as an array it is found once, whatever the plan
  removal: condition => `DELETE FROM ${TABLE} WHERE "key" = ANY (ARRAY(
  SELECT "key" FROM ${TABLE} WHERE ${condition} ORDER BY "ends" LIMIT ? FOR UPDATE SKIP LOCKED))`,
  write(text) {
    let number = 0
    return text.replaceAll('?', () => `$${++number}`)
  },
}

/** Each request writes its row twice: the lock finds room on the row's page, so that no index changes with it. */
const table = `CREATE TABLE IF NOT EXISTS ${TABLE} (
  "key" text COLLATE "C" PRIMARY KEY,
  "service" text NOT NULL,
  "data" text NOT NULL,
  "created" bigint NOT NULL,
  "used" bigint NOT NULL,
  "ends" bigint,
  "expires" bigint,
  "label" text,
  "ended" boolean NOT NULL,
  "version" bigint NOT NULL,
  "token" text,
  "until" timestamptz
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS ${TABLE}_ends ON ${TABLE} ("ends");
COMMENT ON TABLE ${TABLE} IS 'pso: sessions. Times in ms since 1970 UTC; token and until are the lock, version 0 is a lock alone.'`

/**
 * PostgreSQL from 9.5 on. What follows the `?` of the URL is for the driver: `?sslmode=verify-full` for TLS, with `&sslrootcert=FILE` for a
 * certificate of one's own, `?sslmode=no-verify` for one that nobody vouches for, `?options=-c%20search_path%3DNAME` for a schema.
 */
export class PostgresStore extends SqlStore {
  readonly #sockets = new Sockets()
  #pool: Pool | undefined

  constructor(url: string) {
    super(url, dialect, table)
  }

  protected async open(): Promise<void> {
    const { Client, Pool } = await driver('pg', () => import('pg'))
    this.#pool = new Pool({
      connectionString: this.url,
      max: CONNECTIONS,
      idleTimeoutMillis: 0,
      stream: () => this.#sockets.make(),
      fallback_application_name: 'pso',
      // the pool's own limit would count the wait for a free connection too
      Client: class extends Client {
        constructor(options?: object) {
          super({ ...options, connectionTimeoutMillis: CONNECT_MS })
        }
      },
    })
    // an idle connection that ends is replaced when one is needed
    this.#pool.on('error', () => {})
  }

  disconnect(): void {
    const pool = this.#pool
    this.#pool = undefined
    // takes no new work; it may never resolve
    void pool?.end()
    this.#sockets.drop()
  }

  protected async define(text: string): Promise<void> {
    await this.#connected.query(text)
  }

  protected async ask(statement: Statement, values: readonly unknown[]): Promise<Answer> {
    const { rows, rowCount } = await this.#connected.query({ ...statement, values: [...values] })
    return { rows, count: rowCount ?? 0 }
  }

  get #connected(): Pool {
    if (this.#pool === undefined) throw new Error('there is no connection')
    return this.#pool
  }

  /** Undefined table; undefined column, operator that does not exist, other type. */
  protected tableProblem(error: unknown): 'missing' | 'other' | undefined {
    const code = sqlState(error)
    return code === '42P01' ? 'missing' : /^42(?:703|883|804)$/.test(code ?? '') ? 'other' : undefined
  }

  /** Serialization failure, deadlock. */
  protected isCancelled(error: unknown): boolean {
    return /^40(?:001|P01)$/.test(sqlState(error) ?? '')
  }

  /** Connection, authorization and missing database when one more connection is opened, too many of them, shutdown and start. */
  protected isUnreachable(error: unknown): boolean {
    return /^(?:08|28|3D|533|57P)/.test(sqlState(error) ?? '08')
  }
}

/** Appendix A of PostgreSQL's manual; undefined: the error is not the server's. */
const sqlState = (error: unknown): string | undefined =>
  'severity' in (error as object) ? (error as { code?: string }).code : undefined
