import { SessionError } from './session-error.ts'
import { strptime } from './strptime.ts'

/** What `session.expire` takes: seconds from now, a date, or a text with the format it is in; undefined: right away. */
export type When = number | { readonly date: number | Date } | Date | string | undefined

/**
 * When a session is to end, ms since the epoch; undefined: right away. `now` is in ms. A text is in `format` (strptime), without one an
 * HTTP date. A number in `{ date }` is in ms. Throws a SessionError 'bad-expiry' for what is none of these.
 */
export function expiryOf(when: When, format: string | undefined, now: number): number | undefined {
  if (when === undefined) return undefined
  if (typeof when === 'number') {
    if (!Number.isFinite(when)) throw bad('a number of seconds', String(when))
    return now + when * 1000
  }
  if (typeof when === 'string') {
    const date = format === undefined ? Date.parse(when) : strptime(when, format)
    if (date === undefined || Number.isNaN(date))
      throw bad(format === undefined ? 'a date' : `a date as ${format}`, JSON.stringify(when))
    return date
  }
  const given = when instanceof Date ? when : (when as { date?: unknown } | null)?.date
  const date = given instanceof Date ? given.getTime() : given
  if (typeof date !== 'number' || !Number.isFinite(date))
    throw bad('seconds, { date } or a text with its format', String(given))
  return date
}

const bad = (expected: string, got: string): SessionError =>
  new SessionError('bad-expiry', `expected ${expected} to expire, got ${got}`)
