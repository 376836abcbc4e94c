import t from 'tap'
import { dateOf, parseHttpDate } from '../../directives/http-date.ts'

const now = Date.UTC(2026, 10, 24)
const seven = Date.UTC(2030, 3, 15, 19, 0, 0)

t.test('the three forms of RFC 9110, and what people make of them', async t => {
  for (const [text, expected] of [
    ['Mon, 15 Apr 2030 19:00:00 GMT', seven],
    ['Monday, 15-Apr-30 19:00:00 GMT', seven],
    ['Mon Apr 15 19:00:00 2030', seven],
    ['Mon Apr  5 19:00:00 2030', Date.UTC(2030, 3, 5, 19)],
    ['Sun, 15 Apr 2030 19:00:00 GMT', seven],
    ['15 Apr 2030 19:00:00 GMT', seven],
    ['Mon, 15 APR 2030 19:00:00', seven],
    ['mon 15 apr 2030 19:00:00 gmt', seven],
    ['Mon, 15-Apr-2030 19:00:00 GMT', seven],
    ['Mon, 15 Apr 2030 19:00:00 UTC', seven],
    ['Mon, 15 Apr 2030 19:00:00 +0000', seven],
    ['  Mon,  15  Apr  2030  19:00:00  GMT ', seven],
    ['Mon, 15 APR 2001 19:00:00', Date.UTC(2001, 3, 15, 19)],
    ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
    ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
  ] as const)
    t.equal(parseHttpDate(text, now), expected, text)
})

t.test('a year of two digits is at most 50 years ahead', async t => {
  for (const [digits, year] of [
    ['30', 2030],
    ['76', 2076],
    ['77', 1977],
    ['94', 1994],
    ['00', 2000],
  ] as const)
    t.equal(parseHttpDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`, now), Date.UTC(year, 10, 6, 8, 49, 37), digits)
})

t.test('what is no date, or no day of the calendar', async t => {
  for (const text of [
    '',
    'soon',
    '900',
    'Mon, 15 Apr 2030',
    'Mon, 15 Apr 2030 19:00 GMT',
    'Mon, 15 Apr 2030 24:00:00 GMT',
    'Mon, 15 Apr 2030 19:60:00 GMT',
    'Mon, 31 Apr 2030 19:00:00 GMT',
    'Thu, 29 Feb 2023 00:00:00 GMT',
    'Mon, 0 Apr 2030 19:00:00 GMT',
    'Mon, 15 Xyz 2030 19:00:00 GMT',
    'Xyz, 15 Apr 2030 19:00:00 GMT',
    'Mon, 15 Apr 2030 19:00:00 CET',
    'Mon, 15 Apr 2030 19:00:00 +0100',
    'Mon, 15 Apr 0030 19:00:00 GMT',
    `Mon,${' '.repeat(1000)}15 Apr 2030 19:00:00 GMT`,
  ])
    t.equal(parseHttpDate(text, now), undefined, text)
})

t.test('dateOf knows the calendar', async t => {
  t.equal(dateOf(2030, 11, 31, [23, 59, 59]), Date.UTC(2030, 11, 31, 23, 59, 59))
  t.equal(dateOf(2030, 12, 31, [0, 0, 0]), undefined)
  t.equal(dateOf(2030, 1, 30, [0, 0, 0]), undefined)
})
