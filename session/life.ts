import type { SessionRecord } from './loader.ts'
import type { SessionOptions } from './session-options.ts'

/** True once a record is over: ended by code, past its time, or dated more than 5 minutes ahead of `now` (ms). */
export const hasEnded = (record: SessionRecord, now: number): boolean =>
  record.ended === true ||
  (record.endsAt !== undefined && record.endsAt <= now) ||
  record.createdAt > now + clockSkewMs ||
  record.usedAt > now + clockSkewMs

/** When the directives end a session created at `createdAt`; undefined: they do not. */
export function expiryAtCreation(options: SessionOptions, createdAt: number): number | undefined {
  const { expire, expireOn } = options
  const first = expire === undefined ? undefined : 'date' in expire ? expire.date : createdAt + expire.seconds * 1000
  return earlier(first, expireOn?.date)
}

/** When a session last used at `usedAt` is over at the latest: its expiry or its idleness, whichever comes first. */
export function endOf(options: SessionOptions, expiresAt: number | undefined, usedAt: number): number | undefined {
  const idle = idleMs(options, expiresAt)
  return earlier(expiresAt, idle === undefined ? undefined : usedAt + idle)
}

/**
 * True when the time of last use must be written though nothing else changed. It is not written at each reading: that would
 * be a write per page. The price: an idle session may end too early by a hundredth of its idle time, at most a minute.
 */
export function isTouchDue(options: SessionOptions, record: SessionRecord, now: number): boolean {
  const idle = idleMs(options, record.expiresAt)
  return idle !== undefined && now - record.usedAt >= Math.min(idle / 100, 60_000)
}

/** How long an id that was ended stays known as such: no slower request may bring it back. */
const TOMBSTONE_MS = 60 * 60 * 1000

/** How long what nobody can read is kept, for whoever wants to look at it. */
export const DAMAGED_MS = 7 * 24 * 60 * 60 * 1000

/** What is left of a session that was ended at `now`, ms: the next version of its record, without its data. */
export const tombstoneOf = (record: SessionRecord, now: number): SessionRecord => ({
  ...record,
  data: '{}',
  ended: true,
  endsAt: Math.max(now, record.usedAt) + TOMBSTONE_MS,
  version: record.version + 1,
})

const clockSkewMs = 5 * 60 * 1000
const oneDay = 24 * 60 * 60

function idleMs(options: SessionOptions, expiresAt: number | undefined): number | undefined {
  const seconds = options.idleSeconds ?? (expiresAt === undefined ? oneDay : undefined)
  return seconds === undefined ? undefined : seconds * 1000
}

const earlier = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : other === undefined ? one : Math.min(one, other)
