/**
 * The three forms of an HTTP date (RFC 9110 5.6.7), in ms since the epoch; undefined for what is none.
 * As lenient as people are: the weekday may be wrong or missing, names ignore case, dashes may stand for blanks, no zone
 * means GMT. `now` settles the century of a year of two digits: at most 50 years ahead.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  if (text.length > 64) return undefined
  const trimmed = text.trim()
  const found = dayFirst.exec(trimmed) ?? monthFirst.exec(trimmed)
  if (found?.groups === undefined) return undefined
  const { day, month, year, hour, minute, second } = found.groups
  const time = [Number(hour), Number(minute), Number(second)] as const
  const monthIndex = months.indexOf(month!.toLowerCase())
  return dateOf(fullYear(year!, now), monthIndex, Number(day), time)
}

/** The moment in GMT, in ms since the epoch; undefined where the calendar or the clock has none such. */
export function dateOf(
  year: number,
  monthIndex: number,
  day: number,
  [hour, minute, second]: readonly [number, number, number],
): number | undefined {
  const date = Date.UTC(year, monthIndex, day)
  const isDay = year >= 100 && new Date(date).getUTCDate() === day && new Date(date).getUTCMonth() === monthIndex
  // 60 is a leap second: the next minute's first
  if (!isDay || hour > 23 || minute > 59 || second > 60) return undefined
  return date + ((hour * 60 + minute) * 60 + second) * 1000
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekday = '(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\\s+)?'
const month = `(?<month>${months.join('|')})`
const clock = '(?<hour>\\d{1,2}):(?<minute>\\d\\d):(?<second>\\d\\d)'
const zone = '(?:\\s+(?:GMT|UTC?|Z|[+-]0000))?'

/** `Sun, 06 Nov 1994 08:49:37 GMT` and `Sunday, 06-Nov-94 08:49:37 GMT`. */
const dayFirst = new RegExp(
  `^${weekday}(?<day>\\d{1,2})(?:-|\\s+)${month}(?:-|\\s+)(?<year>\\d{4}|\\d\\d)\\s+${clock}${zone}$`,
  'i',
)

/** asctime: `Sun Nov  6 08:49:37 1994`. */
const monthFirst = new RegExp(`^${weekday}${month}\\s+(?<day>\\d{1,2})\\s+${clock}\\s+(?<year>\\d{4})${zone}$`, 'i')

function fullYear(digits: string, now: number): number {
  if (digits.length === 4) return Number(digits)
  const thisYear = new Date(now).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + Number(digits)
  return year > thisYear + 50 ? year - 100 : year
}
