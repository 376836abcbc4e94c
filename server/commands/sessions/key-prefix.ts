import { UsageError } from '../usage-error.ts'
import type { SessionRow } from './session-row.ts'
import { visible } from './visible.ts'

const MOST_CANDIDATES = 10

/** The beginning of a session's key as it was typed. Anything else is not shown: it may be an id, which would let in whoever reads it. */
export function keyPrefixOf(word: string): string {
  if (!/^[0-9a-f]{1,64}$/i.test(word))
    throw new UsageError('expected the KEY of a session, hex digits as `pso sessions list` shows them; its id is none')
  return word.toLowerCase()
}

/** What is wrong with a prefix that is not of exactly one session. */
export function notOne(prefix: string, found: readonly SessionRow[]): string {
  if (found.length === 0) return `${prefix}: there is no such session`
  const lines = found
    .slice(0, MOST_CANDIDATES)
    .map(({ key, service, label, store }) => `  ${key}  ${visible(service)}  ${visible(label ?? '-')}  ${store}`)
  if (found.length > MOST_CANDIDATES) lines.push(`  and ${found.length - MOST_CANDIDATES} more`)
  return [`${prefix}: expected the key of one session, got the beginning of ${found.length}`, ...lines].join('\n')
}
