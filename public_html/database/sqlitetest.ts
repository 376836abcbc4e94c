import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { CookieSession, type LoaderAbout, mixin, OK, pso, type Request, SessionImpl, type SessionRecord } from 'pso'
import { examplePage } from '../page/example-page.ts'

export class SqliteLoader {
  static directives = {
    PSOSqliteLoader_Path: {
      kind: 'path',
      default: 'sessions.sqlite',
      doc: 'Names the database, relative to StateDirectory.',
    },
  }
  declare directives: { PSOSqliteLoader_Path: string }
  db?: DatabaseSync

  // one object serves the process: the connection stays open
  open() {
    if (this.db === undefined) {
      const db = new DatabaseSync(this.directives.PSOSqliteLoader_Path, { timeout: 5000 })
      db.exec(`CREATE TABLE IF NOT EXISTS session
        (serviceId TEXT, sessionId TEXT, record TEXT, endsAt INTEGER, PRIMARY KEY (serviceId, sessionId))`)
      this.db = db
    }
    return this.db
  }

  load(id: string, { serviceId }: LoaderAbout) {
    const select = this.open().prepare('SELECT record FROM session WHERE serviceId = ? AND sessionId = ?')
    const row = select.get(serviceId, id)
    return row && JSON.parse(String(row['record']))
  }

  save(id: string, record: SessionRecord, { serviceId }: LoaderAbout) {
    const replace = this.open().prepare('INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?)')
    replace.run(serviceId, id, JSON.stringify(record), record.endsAt ?? null)
  }

  // 160 bits that nobody can guess, where the how-to counted the rows
  newSessionId() {
    return randomBytes(20).toString('base64url')
  }

  purge(now: number) {
    return Number(this.open().prepare('DELETE FROM session WHERE endsAt <= ?').run(now).changes)
  }

  close() {
    this.db?.close()
  }
}

class SqliteImpl extends mixin(CookieSession, SqliteLoader, SessionImpl) {}

export const fixup = (req: Request) => pso.fixup(req, SqliteImpl)

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  req.write(examplePage(req, { 'Your visits': session.visits, 'Kept by': SqliteLoader.name }))
  return OK
}
