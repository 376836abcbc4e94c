import { type FilterArguments, filterOf, isMeant } from './filter.ts'
import { printLines } from './print-lines.ts'
import { jsonOf, rowOf, type SessionRow, shownTime } from './session-row.ts'
import { listOf, type Stores } from './stores.ts'
import { type Column, tableLines } from './table-lines.ts'
import { visible } from './visible.ts'

export interface ListArguments extends FilterArguments {
  /** Those too that are over. */
  readonly all?: boolean
  readonly json?: boolean
}

/** `pso sessions list`: one line a session, the one used last first. */
export async function listSessions(stores: Stores, options: ListArguments): Promise<void> {
  const now = Date.now()
  const filter = filterOf(options, now)
  const rows: SessionRow[] = []
  await stores.each(async (loader, store) => {
    for await (const session of listOf(loader, store)) {
      const row = rowOf(session, store.name, now)
      if ((options.all || row.state === 'open') && isMeant(session.record, filter)) rows.push(row)
    }
  })
  rows.sort((a, b) => b.usedAt - a.usedAt || (a.key < b.key ? -1 : 1))
  const shown = columns.filter(
    ({ title }) => (title !== 'STATE' || options.all) && (title !== 'STORE' || stores.all.length > 1),
  )
  await printLines(options.json ? jsonLines(rows) : tableLines(shown, rows))
}

const columns: readonly Column<SessionRow>[] = [
  { title: 'KEY', text: ({ key }) => key.slice(0, 12) },
  { title: 'SERVICE', text: ({ service }) => visible(service) },
  { title: 'LABEL', text: ({ label }) => visible(label ?? '-') },
  { title: 'STATE', text: ({ state }) => state },
  { title: 'CREATED', text: ({ createdAt }) => shownTime(createdAt) },
  { title: 'USED', text: ({ usedAt }) => shownTime(usedAt) },
  { title: 'ENDS', text: ({ endsAt }) => shownTime(endsAt) },
  { title: 'SIZE', isNumber: true, text: ({ size }) => String(size) },
  { title: 'STORE', text: ({ store }) => store },
]

/** One document, a session a line. */
function* jsonLines(rows: readonly SessionRow[]): Generator<string> {
  yield '['
  for (const [at, row] of rows.entries())
    yield visible(JSON.stringify(jsonOf(row))) + (at === rows.length - 1 ? '' : ',')
  yield ']'
}
