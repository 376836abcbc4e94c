import { dateOf, parseHttpDate } from './http-date.ts'
import type { Kind } from './kind.ts'
import { expected } from './kinds/expected.ts'
import { secondsOf } from './kinds/numbers.ts'

/** When a session ends: so many seconds after its creation, or at a date in ms since the epoch. */
export type Expiry = { readonly seconds: number } | ExpiryDate
export interface ExpiryDate {
  readonly date: number
}

export const expiry: Kind<Expiry> = {
  syntax: 'SECONDS | EXPRESSION | HTTP-DATE',
  parse(words) {
    const text = words.join(' ')
    // as an expression, 2030-12-31 would be 1987 seconds
    if (isDay.test(text)) throw expected('seconds, 15*60 or an HTTP date (a day is for PSOSessionExpireOn)', words)
    const seconds = secondsOf(text, 1)
    if (seconds !== undefined) return { seconds }
    const date = parseHttpDate(text, Date.now())
    if (date === undefined) throw expected('seconds, 15*60 or an HTTP date', words)
    return { date }
  },
  show: value => ('seconds' in value ? String(value.seconds) : showDate(value.date)),
}

/** The last moment of the day in GMT: the day itself still counts. */
export const expiryDay: Kind<ExpiryDate> = {
  syntax: 'DD-MM-YYYY | YYYY-MM-DD',
  parse(words) {
    const found = isDay.exec(words.join(' '))
    const [, day, month, year, isoYear, isoMonth, isoDay] = found ?? []
    const midnight = dateOf(Number(year ?? isoYear), Number(month ?? isoMonth) - 1, Number(day ?? isoDay), [0, 0, 0])
    if (midnight === undefined) throw expected('a day like 31-12-2030 or 2030-12-31', words)
    return { date: midnight + 24 * 60 * 60 * 1000 - 1 }
  },
  show: ({ date }) => new Date(date).toISOString().slice(0, 10),
}

/** A date in ms since the epoch. */
export const httpDate: Kind<number> = {
  syntax: 'HTTP-DATE',
  parse(words) {
    const date = parseHttpDate(words.join(' '), Date.now())
    if (date === undefined) throw expected('an HTTP date', words)
    return date
  },
  show: value => showDate(value),
}

const isDay = /^(?:(\d{1,2})-(\d{1,2})-(\d{4})|(\d{4})-(\d\d)-(\d\d))$/

const showDate = (date: number): string => new Date(date).toUTCString()
