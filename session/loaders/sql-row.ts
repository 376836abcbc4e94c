import type { SessionRecord } from '../loader.ts'

export const TABLE = 'pso_sessions'

export type Row = Readonly<Record<string, unknown>>

/** The columns of a record, in the order of `valuesOf`. Times are in ms since 1970, UTC: a SessionRecord may hold times that no SQL date can. */
export const columns = ['service', 'data', 'created', 'used', 'ends', 'expires', 'label', 'ended', 'version'] as const

export const valuesOf = (record: SessionRecord): unknown[] => [
  record.serviceId,
  record.data,
  Math.round(record.createdAt),
  Math.round(record.usedAt),
  timeOf(record.endsAt),
  timeOf(record.expiresAt),
  record.label ?? null,
  record.ended === true,
  record.version,
]

/** Whole: an expiry in code may be of less than a ms. */
const timeOf = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms))

/** Undefined for the row of a lock alone. Drivers may give large numbers as text, and booleans as numbers. */
export function recordOf(row: Row): SessionRecord | undefined {
  const version = Number(row.version)
  if (version === 0) return undefined
  return {
    serviceId: String(row.service),
    data: String(row.data),
    createdAt: Number(row.created),
    usedAt: Number(row.used),
    ...(row.ends === null ? {} : { endsAt: Number(row.ends) }),
    ...(row.expires === null ? {} : { expiresAt: Number(row.expires) }),
    ...(row.label === null ? {} : { label: String(row.label) }),
    ...(row.ended ? { ended: true } : {}),
    version,
  }
}
