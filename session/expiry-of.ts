import { SessionError } from './session-error.ts'
import { strptime } from './strptime.ts'

/** What `session.expire` takes: seconds from now, a date, or a text with the format it is in; undefined: right away. */
export type When = number | { readonly date: number | Date } | Date | string | undefined

/**
 * When a session is to end, whole ms since the epoch; undefined: right away. `now` is in ms. A text is in `format` (strptime), without one an
 * HTTP date. A number in `{ date }` is in ms. Throws a SessionError 'bad-expiry' for what is none of these.
 */
export function expiryOf(when: When, format: string | undefined, now: number): number | undefined {
  if (when === undefined) return undefined
  if (typeof when === 'number') {
    if (!isTime(now + when * 1000)) throw bad('a number of seconds', String(when))
    return Math.round(now + when * 1000)
  }
  if (typeof when === 'string') {
    const date = format === undefined ? httpDate(when) : strptime(when, format)
    if (date === undefined)
      throw bad(format === undefined ? 'an HTTP date' : `a date as ${format}`, JSON.stringify(when))
    return date
  }
  const given = when instanceof Date ? when : (when as { date?: unknown } | null)?.date
  const date = given instanceof Date ? given.getTime() : given
  if (typeof date !== 'number' || !isTime(date)) throw bad('seconds, { date } or a text with its format', String(given))
  return Math.round(date)
}

/** The three forms of RFC 9110 5.6.7, with their zone or without: it is GMT. */
const httpDates = ['%a, %d %b %Y %H:%M:%S', '%a, %d-%b-%y %H:%M:%S', '%a %b %d %H:%M:%S %Y']

function httpDate(text: string): number | undefined {
  for (const format of httpDates) {
    const date = strptime(text, format) ?? strptime(text, `${format} %Z`)
    if (date !== undefined) return date
  }
  return undefined
}

/** What a Date can be (ECMA-262, 21.4.1.1). */
const isTime = (ms: number): boolean => Math.abs(ms) <= 8.64e15

const bad = (expected: string, got: string): SessionError =>
  new SessionError('bad-expiry', `expected ${expected} to expire, got ${got}`)
