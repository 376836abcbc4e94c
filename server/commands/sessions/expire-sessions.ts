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
  if (prefixes.length > 0 === isFiltered)
    throw new UsageError(
      `expected ${isFiltered ? 'either keys or' : 'the keys of sessions,'} --label, --service, --older, --idle or --all, got ${isFiltered ? 'both' : 'none'}`,
    )
  const open: OpenSession[] = []
  // all are found before the first is ended: a list that runs need not bear changes
  await stores.each(async (loader, store) => {
    refuseForeign(store)
    for (const prefix of isFiltered ? [undefined] : prefixes)
      for await (const session of listOf(loader, store, prefix)) {
        const row = rowOf(session, store.name, now)
        if (row.state === 'open' && isMeant(session.record, filter)) open.push({ row, end: session.end })
      }
  })
  const meant = isFiltered ? open : chosen(open, prefixes, stores)
  let ended = 0
  for (const { row, end } of meant) {
    try {
      await end()
      ended++
    } catch (error) {
      stores.complain(`${row.store}: ${row.key}: ${(error as Error).message}`)
    }
  }
  await printLines([
    options.json ? JSON.stringify({ ended }) : `${ended} ${ended === 1 ? 'session' : 'sessions'} ended`,
  ])
}

/** One for each prefix; a prefix of none, or of several, is a complaint. */
function chosen(open: readonly OpenSession[], prefixes: readonly string[], stores: Stores): OpenSession[] {
  const one = new Map<string, OpenSession>()
  for (const prefix of prefixes) {
    const found = new Map(
      open
        .filter(({ row }) => row.key.startsWith(prefix))
        .map(session => [session.row.store + session.row.key, session]),
    )
    const [[name, session] = [], ...others] = found
    if (name === undefined || session === undefined || others.length > 0)
      stores.complain(
        notOne(
          prefix,
          [...found.values()].map(({ row }) => row),
        ),
      )
    else one.set(name, session)
  }
  return [...one.values()]
}
