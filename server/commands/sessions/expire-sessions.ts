import { UsageError } from '../usage-error.ts'
import { type FilterArguments, filterOf, hasFilter, isMeant } from './filter.ts'
import { keyPrefixOf, notOne } from './key-prefix.ts'
import { printLines } from './print-lines.ts'
import { rowOf, type SessionRow } from './session-row.ts'
import { listOf, refuseForeign, type Stores } from './stores.ts'

export interface ExpireArguments extends FilterArguments {
  /** Every session of every store. */
  readonly all?: boolean
  readonly json?: boolean
}

interface OpenSession {
  readonly row: SessionRow
  end(): unknown
}

const filters = '--label, --service, --older, --idle or --all'

/** `pso sessions expire`: ends, as a logout does, the sessions of these keys, or those that are meant. */
export async function expireSessions(
  stores: Stores,
  words: readonly string[],
  options: ExpireArguments,
): Promise<void> {
  const now = Date.now()
  const filter = filterOf(options, now)
  const prefixes = words.map(keyPrefixOf)
  const isFiltered = options.all === true || hasFilter(filter)
  if (!isFiltered && words.length === 0) throw new UsageError(`expected keys, ${filters}, got none`)
  if (isFiltered && words.length > 0) throw new UsageError(`expected keys, or ${filters}, got both`)
  const open = new Map<string, OpenSession>()
  // all are found before the first is ended: a list that runs need not bear changes
  await stores.each(async (loader, store) => {
    refuseForeign(store)
    for (const prefix of isFiltered ? [undefined] : prefixes)
      for await (const session of listOf(loader, store, prefix)) {
        const row = rowOf(session, store.name, now)
        // its end alone is kept: with their records many would not fit
        if (row.state === 'open' && isMeant(session.record, filter))
          open.set(`${row.key} ${row.store}`, { row, end: session.end })
      }
  })
  const found = [...open.values()]
  const ended = await endAll(isFiltered ? found : chosen(found, prefixes, stores), stores)
  await printLines([
    options.json ? JSON.stringify({ ended }) : `${ended} ${ended === 1 ? 'session' : 'sessions'} ended`,
  ])
}

/** Resolves to how many; one that cannot be ended is a complaint. */
async function endAll(sessions: readonly OpenSession[], stores: Stores): Promise<number> {
  let ended = 0
  for (const { row, end } of sessions) {
    try {
      await end()
      ended++
    } catch (error) {
      stores.complain(`${row.store}: ${row.key}: ${(error as Error).message}`)
    }
  }
  return ended
}

/** One for each prefix; a prefix of none, or of several, is a complaint. */
function chosen(open: readonly OpenSession[], prefixes: readonly string[], stores: Stores): OpenSession[] {
  const one = new Set<OpenSession>()
  for (const prefix of prefixes) {
    const found = open.filter(({ row }) => row.key.startsWith(prefix))
    if (found.length === 1) one.add(found[0]!)
    else {
      const rows = found.map(({ row }) => row)
      stores.complain(notOne(prefix, rows))
    }
  }
  return [...one]
}
