import { keyPrefixOf, notOne } from './key-prefix.ts'
import { printLines } from './print-lines.ts'
import { jsonOf, rowOf, type SessionRow } from './session-row.ts'
import { listOf, type Stores } from './stores.ts'
import { visible } from './visible.ts'

/** `pso sessions show KEY`: what is stored of one session, its data as they are kept; the only command that shows them. */
export async function showSession(stores: Stores, word: string, { json }: { readonly json?: boolean }): Promise<void> {
  const prefix = keyPrefixOf(word)
  const now = Date.now()
  const found: SessionRow[] = []
  let data = ''
  await stores.each(async (loader, store) => {
    for await (const session of listOf(loader, store, prefix)) {
      found.push(rowOf(session, store.name, now))
      data = session.record.data
    }
  })
  const [row] = found
  if (row === undefined || found.length > 1) return stores.complain(notOne(prefix, found))
  const facts = jsonOf(row)
  if (json) return printLines(lines({ ...facts, data: readable(data) }))
  const width = Math.max(...Object.keys(facts).map(name => name.length)) + 2
  const told = Object.entries(facts).map(([name, value]) => name.padEnd(width) + visible(String(value ?? '-')))
  await printLines([...told, '', ...lines(readable(data))])
}

/** Each line by itself: the line breaks are ours. */
const lines = (value: unknown): string[] => JSON.stringify(value, undefined, 2).split('\n').map(visible)

/** The text itself where it is no JSON: somebody has written to the store by hand. */
function readable(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}
