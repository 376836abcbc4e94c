import t from 'tap'
import { expiryOf, type When } from '../../session/expiry-of.ts'

const now = Date.UTC(2026, 10, 24, 12)
const monday = Date.UTC(2030, 3, 15, 19)

for (const [when, format, at] of [
  [undefined, undefined, undefined],
  [900, undefined, now + 900_000],
  [0, undefined, now],
  [-1, undefined, now - 1000],
  [0.0016, undefined, now + 2],
  [{ date: monday + 0.4 }, undefined, monday],
  [{ date: monday }, undefined, monday],
  [{ date: new Date(monday) }, undefined, monday],
  [new Date(monday), undefined, monday],
  ['Mon, 15 Apr 2030 19:00:00 GMT', undefined, monday],
  ['Sun, 15 Apr 2030 19:00:00', undefined, monday],
  ['Monday, 15-Apr-30 19:00:00 GMT', undefined, monday],
  ['Mon Apr 15 19:00:00 2030', undefined, monday],
  ['Mon, 15 APR 2030 19:00:00', '%a, %d %b %Y %H:%M:%S', monday],
  ['15.4.30, 7 PM', '%d.%m.%y, %I %p', monday],
  ['2030-105 19h', '%Y-%j %Hh', monday],
  ['2030-04-15 21:00 +0200', '%Y-%m-%d %H:%M %z', monday],
  ['100% on 15/04/2030', '100%% on %d/%m/%Y', Date.UTC(2030, 3, 15)],
] as const)
  t.equal(expiryOf(when as When, format, now), at, JSON.stringify([when, format]))

for (const [when, format] of [
  ['soon', undefined],
  ['1', undefined],
  ['2030-04-15', '%d.%m.%Y'],
  ['31.02.2030', '%d.%m.%Y'],
  ['00.01.2030', '%d.%m.%Y'],
  ['01.13.2030', '%d.%m.%Y'],
  ['25:00', '%H:%M'],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [1e18, undefined],
  [{ date: 1e17 }, undefined],
  [{ date: '2030' }, undefined],
  [new Date(Number.NaN), undefined],
  [null, undefined],
  [true, undefined],
] as const)
  t.throws(() => expiryOf(when as unknown as When, format, now), { code: 'bad-expiry' }, JSON.stringify([when, format]))

t.throws(() => expiryOf('x', '%Q', now), /expected a conversion of strptime such as %d or %Y, got %Q/)
