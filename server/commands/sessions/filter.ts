import type { SessionRecord } from '../../../session/index.ts'
import { UsageError } from '../usage-error.ts'
import { ageOf } from './age.ts'

export interface FilterArguments {
  readonly service?: string
  readonly label?: string
  readonly older?: string
  readonly idle?: string
}

/** Which sessions are meant; what is absent is no condition. Times are ms since the epoch. */
export interface Filter {
  readonly serviceId?: string
  readonly label?: string
  readonly createdBefore?: number
  readonly usedBefore?: number
}

/** A UsageError for what is empty: a variable that a script forgot to set must not mean the sessions of nobody, or of everybody. */
export function filterOf({ service, label, older, idle }: FilterArguments, now: number): Filter {
  if (service === '') throw new UsageError('--service: expected a service id, got nothing')
  if (label === '') throw new UsageError('--label: expected a label, got nothing')
  return {
    ...(service === undefined ? {} : { serviceId: service }),
    ...(label === undefined ? {} : { label }),
    ...(older === undefined ? {} : { createdBefore: now - ageOf(older, '--older') }),
    ...(idle === undefined ? {} : { usedBefore: now - ageOf(idle, '--idle') }),
  }
}

export const hasFilter = (filter: Filter): boolean => Object.keys(filter).length > 0

export const isMeant = (record: SessionRecord, { serviceId, label, createdBefore, usedBefore }: Filter): boolean =>
  (serviceId === undefined || record.serviceId === serviceId) &&
  (label === undefined || record.label === label) &&
  (createdBefore === undefined || record.createdAt < createdBefore) &&
  (usedBefore === undefined || record.usedAt < usedBefore)
