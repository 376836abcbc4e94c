import { hasEnded, type StoredSession } from '../../../session/index.ts'

/** What an administrator is told of a session, without its data: many of them are in memory at a time. Times are ms since the epoch. */
export interface SessionRow {
  readonly key: string
  readonly service: string
  readonly label: string | undefined
  /** `ended`: by code or by `expire`; `over`: past its time, or dated ahead; neither lets anybody in, and a purge removes both. */
  readonly state: 'open' | 'over' | 'ended'
  readonly createdAt: number
  readonly usedAt: number
  readonly endsAt: number | undefined
  /** Bytes of its data as they are stored. */
  readonly size: number
  readonly store: string
}

export const rowOf = ({ key, record }: StoredSession, store: string, now: number): SessionRow => ({
  key,
  service: record.serviceId,
  label: record.label,
  state: record.ended === true ? 'ended' : hasEnded(record, now) ? 'over' : 'open',
  createdAt: record.createdAt,
  usedAt: record.usedAt,
  endsAt: record.endsAt,
  size: Buffer.byteLength(record.data),
  store,
})

/** The same for `--json`: what is absent is null, so that each has the same names. */
export const jsonOf = (row: SessionRow): Record<string, unknown> => ({
  ...row,
  label: row.label ?? null,
  createdAt: isoOf(row.createdAt),
  usedAt: isoOf(row.usedAt),
  endsAt: isoOf(row.endsAt),
})

/** Null for undefined, and for what is no time, as it may be in a record that was tampered with. */
const isoOf = (time: number | undefined): string | null => (isTime(time) ? new Date(time).toISOString() : null)

/** To the minute, in GMT. */
export const shownTime = (time: number | undefined): string =>
  isTime(time) ? new Date(time).toISOString().slice(0, 16).replace('T', ' ') : '-'

const isTime = (time: number | undefined): time is number => time !== undefined && Math.abs(time) <= 8.64e15
