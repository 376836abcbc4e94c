import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import type { SessionRecord } from '../loader.ts'
import { SessionError } from '../session-error.ts'
import { driver } from './driver.ts'
import { Sockets } from './sockets.ts'
import { type Row, TABLE } from './sql-row.ts'
import type { Dialect, Statement } from './sql-statements.ts'
import { type Answer, CONNECT_MS, CONNECTIONS, SqlStore } from './sql-store.ts'

const dialect: Dialect = {
  clock: 'UTC_TIMESTAMP(3)',
  span: 'INTERVAL ? * 1000 MICROSECOND',
  // what decides is "until", which is set last: a column that was set has its new value already
  takeWhere: isFree => `ON DUPLICATE KEY UPDATE
"token" = IF(${isFree}, VALUES("token"), ${TABLE}."token"), "until" = IF(${isFree}, VALUES("until"), ${TABLE}."until")`,
  removal: condition => `DELETE FROM ${TABLE} WHERE ${condition} ORDER BY "ends" LIMIT ?`,
  write: text => text.replaceAll('"', '`'),
}

const table = `CREATE TABLE IF NOT EXISTS ${TABLE} (
  "key" VARCHAR(64) PRIMARY KEY,
  "service" TEXT NOT NULL,
  "data" LONGTEXT NOT NULL,
  "created" BIGINT NOT NULL,
  "used" BIGINT NOT NULL,
  "ends" BIGINT,
  "expires" BIGINT,
  "label" VARCHAR(255),
  "ended" BOOLEAN NOT NULL,
  "version" BIGINT NOT NULL,
  "token" VARCHAR(255),
  "until" DATETIME(3),
  KEY ${TABLE}_ends ("ends")
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
COMMENT 'pso: sessions. Times in ms since 1970 UTC; token and until are the lock, version 0 is a lock alone.'`

/** How much a statement has besides the data, at most, in bytes. */
const BESIDES = 10_000

/**
 * MariaDB from 10.5 on; MySQL from 5.7 on and older MariaDB, which cannot return what they insert, take a second round trip for a lock.
 * What follows the `?` of the URL is for the driver: `?ssl={}` for TLS, `?ssl={"rejectUnauthorized":false}` for a certificate that nobody
 * vouches for. Tested with MariaDB, also one that passes for MySQL 8, but not with MySQL itself.
 */
export class MysqlStore extends SqlStore {
  readonly #sockets = new Sockets()
  #pool: Pool | undefined
  #canReturn = false
  /** How long a statement may be, in bytes. */
  #maxPacket = Infinity

  constructor(url: string) {
    super(url, dialect, table)
  }

  protected async open(): Promise<void> {
    const stray = [...new URL(this.url).searchParams.keys()].find(name => name !== 'ssl' && /ssl|tls/i.test(name))
    // it would be ignored, and nothing would be encrypted
    if (stray !== undefined) throw new Error(`its URL has ?${stray}, which the driver does not know: TLS is ?ssl={}`)
    const { createPool } = await driver('mysql2', () => import('mysql2'))
    const connections = createPool({
      uri: this.url,
      connectionLimit: CONNECTIONS,
      connectTimeout: CONNECT_MS,
      charset: 'utf8mb4',
      stream: ({ config }: { config: { socketPath?: string; host: string; port: number } }) => {
        const { socketPath, host, port } = config
        return this.#sockets.make().connect(socketPath === undefined ? { host, port } : { path: socketPath })
      },
    })
    connections.on('connection', connection => {
      // the calls report the same failure
      connection.on('error', () => {})
      // a server may have it off by default: what is answered as saved would not be
      connection.query('SET autocommit = 1', error => {
        if (error) connection.destroy()
      })
    })
    const pool = connections.promise()
    this.#pool = pool
    const [[about]] = await pool.query<RowDataPacket[]>('SELECT VERSION() AS version, @@max_allowed_packet AS most')
    const [, major, minor] = /^(\d+)\.(\d+).*MariaDB/i.exec(about!.version) ?? []
    this.#canReturn = Number(major) > 10 || (Number(major) === 10 && Number(minor) >= 5)
    this.#maxPacket = Number(about!.most)
  }

  disconnect(): void {
    const pool = this.#pool
    this.#pool = undefined
    // takes no new work; what it would wait for is cut off
    pool?.end().catch(() => {})
    this.#sockets.drop()
  }

  protected async define(text: string): Promise<void> {
    await this.#connected.query(text)
  }

  protected async ask({ text }: Statement, values: readonly unknown[]): Promise<Answer> {
    const [answer] = await this.#connected.execute<RowDataPacket[] | ResultSetHeader>(text, [...values] as string[])
    return Array.isArray(answer) ? { rows: answer, count: answer.length } : { rows: [], count: answer.affectedRows }
  }

  get #connected(): Pool {
    if (this.#pool === undefined) throw new Error('there is no connection')
    return this.#pool
  }

  protected override async lockedRow(key: string, token: string, leaseMs: number): Promise<Row | undefined> {
    if (this.#canReturn) return super.lockedRow(key, token, leaseMs)
    await this.run(this.statements.lock, [key, token, leaseMs])
    return this.heldRow(key, token)
  }

  override async save(
    key: string,
    record: SessionRecord,
    token: string | undefined,
    unlocks: boolean,
  ): Promise<'saved' | 'conflict' | 'locked'> {
    // the server would end the connection
    const most = this.#maxPacket - BESIDES
    if (record.data.length * 3 > most && Buffer.byteLength(record.data) > most)
      throw new SessionError(
        'too-large',
        `the session has ${Buffer.byteLength(record.data)} bytes, the max_allowed_packet of ${this.name} is ${this.#maxPacket}`,
      )
    return super.save(key, record, token, unlocks)
  }

  protected override async insert(key: string, record: SessionRecord): Promise<boolean> {
    try {
      return await super.insert(key, record)
    } catch (error) {
      if (errorNumber(error) !== ER_DUP_ENTRY) throw error
      return false
    }
  }

  protected tableProblem(error: unknown): 'missing' | 'other' | undefined {
    const number = errorNumber(error)
    return number === ER_NO_SUCH_TABLE ? 'missing' : number === ER_BAD_FIELD_ERROR ? 'other' : undefined
  }

  protected isCancelled(error: unknown): boolean {
    return errorNumber(error) === ER_LOCK_DEADLOCK
  }

  protected isUnreachable(error: unknown): boolean {
    const number = errorNumber(error)
    return number === undefined || outages.has(number)
  }
}

const ER_BAD_FIELD_ERROR = 1054
const ER_DUP_ENTRY = 1062
const ER_NO_SUCH_TABLE = 1146
const ER_LOCK_DEADLOCK = 1213

/** Too many connections, in all or of one user; no access, to the server or the database; a blocked host; shutdown, a killed connection. */
const outages: ReadonlySet<number> = new Set([
  1040, 1203, 1226, 1044, 1045, 1698, 3118, 1049, 1129, 1130, 1053, 1927, 3169, 4031,
])

/** Undefined: the error is not the server's. */
const errorNumber = (error: unknown): number | undefined =>
  'sqlState' in (error as object) ? (error as { errno?: number }).errno : undefined
