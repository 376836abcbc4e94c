const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

interface Fields {
  year?: number
  month?: number
  day?: number
  dayOfYear?: number
  hour?: number
  minute?: number
  second?: number
  isAfternoon?: boolean
  offsetMinutes?: number
}

/** A conversion: what it matches, and what it says of the date. */
interface Conversion {
  readonly pattern: string
  readonly take: (fields: Fields, text: string) => void
}

const number = (pattern: string, key: 'month' | 'day' | 'dayOfYear' | 'hour' | 'minute' | 'second'): Conversion => ({
  pattern,
  take: (fields, text) => {
    fields[key] = Number(text)
  },
})
const monthName: Conversion = {
  pattern: '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?',
  take: (fields, text) => {
    fields.month = months.indexOf(text.slice(0, 3).toLowerCase()) + 1
  },
}
// the weekday follows from the date: a wrong one is forgiven, as in the how-to's own examples
const weekday: Conversion = { pattern: '(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\\.?', take: () => {} }

/** The conversions of strptime(3) that make a date, without regard to case. */
const conversions: Readonly<Record<string, Conversion>> = {
  a: weekday,
  A: weekday,
  b: monthName,
  B: monthName,
  h: monthName,
  d: number('\\s?\\d{1,2}', 'day'),
  e: number('\\s?\\d{1,2}', 'day'),
  H: number('\\d{1,2}', 'hour'),
  I: number('\\d{1,2}', 'hour'),
  m: number('\\d{1,2}', 'month'),
  M: number('\\d{1,2}', 'minute'),
  S: number('\\d{1,2}', 'second'),
  j: number('\\d{1,3}', 'dayOfYear'),
  p: {
    pattern: '[ap]m',
    take: (fields, text) => {
      fields.isAfternoon = text.toLowerCase() === 'pm'
    },
  },
  Y: {
    pattern: '\\d{4}',
    take: (fields, text) => {
      fields.year = Number(text)
    },
  },
  // POSIX: 69-99 are of the last century
  y: {
    pattern: '\\d{2}',
    take: (fields, text) => {
      fields.year = Number(text) + (Number(text) < 69 ? 2000 : 1900)
    },
  },
  Z: { pattern: '(?:gmt|utc|z)', take: () => {} },
  z: {
    pattern: '(?:z|[+-]\\d{2}:?\\d{2})',
    take: (fields, text) => {
      const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})/.exec(text) ?? []
      if (sign !== undefined) fields.offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
    },
  },
}

/** The date that `text` is in `format`, ms since the epoch, GMT without a zone; undefined where it is none. Throws for an unknown conversion. */
export function strptime(text: string, format: string): number | undefined {
  const taken: Conversion[] = []
  const pattern = format.replace(
    /%(.)|\s+|([\\^$.*+?()[\]{}|])/g,
    (whole, letter: string | undefined, special: string | undefined) => {
      if (special !== undefined) return `\\${special}`
      if (letter === undefined) return '\\s+'
      if (letter === '%') return '%'
      const conversion = conversions[letter]
      if (conversion === undefined)
        throw new TypeError(`expected a conversion of strptime such as %d or %Y, got ${whole}`)
      taken.push(conversion)
      return `(${conversion.pattern})`
    },
  )
  const found = new RegExp(`^\\s*${pattern}\\s*$`, 'i').exec(text)
  if (found === null) return undefined
  const fields: Fields = {}
  for (const [index, { take }] of taken.entries()) take(fields, found[index + 1]!)
  return dateOf(fields)
}

function dateOf({
  year = 1970,
  month = 1,
  day = 1,
  dayOfYear,
  hour = 0,
  minute = 0,
  second = 0,
  isAfternoon,
  offsetMinutes = 0,
}: Fields): number | undefined {
  const hours = isAfternoon === undefined ? hour : (hour % 12) + (isAfternoon ? 12 : 0)
  if (hours > 23 || minute > 59 || second > 60) return undefined
  const date = dayOfYear === undefined ? Date.UTC(year, month - 1, day) : Date.UTC(year, 0, dayOfYear)
  const made = new Date(date)
  if (dayOfYear === undefined && (made.getUTCMonth() !== month - 1 || made.getUTCDate() !== day)) return undefined
  return date + ((hours * 60 + minute - offsetMinutes) * 60 + second) * 1000
}
