import type { Awaitable, LoaderContext, Lock, SessionRecord } from './loader.ts'
import { SessionError } from './session-error.ts'

/** What a user's loader is called for. */
export interface LoaderAbout {
  readonly serviceId: string
  /** The request; absent outside one. */
  readonly req?: unknown
}

export const aboutOf = ({ serviceId, req }: LoaderContext): LoaderAbout => ({ serviceId, req })

/**
 * A loader as users write it, bare or mixed in: `load` and `save` are enough, and each method may be async. One object serves a
 * process, so that connections can live in it.
 */
export interface OwnLoader {
  /** What was saved under the id of this service; undefined or null where there is nothing. */
  load(id: string, about: LoaderAbout): unknown
  /** Keeps the record, plain JSON, in place of what was there. Its version has been compared; a loader that compares too may answer 'conflict'. */
  save(id: string, record: SessionRecord, about: LoaderAbout): unknown
  /** Forgets a session that was ended; absent: a record that says `ended` is saved. */
  remove?(id: string, about: LoaderAbout): unknown
  /** 1-128 of `[A-Za-z0-9_-]` that nobody can guess; absent: 160 random bits. */
  newSessionId?(about: LoaderAbout): Awaitable<string>
  /** Removes records with `endsAt <= now` (ms), and answers how many. */
  purge?(now: number): unknown
  /** A lock across all machines that have the store; absent: that of this machine. */
  lock?(id: string, about: LoaderAbout, waitMs: number): Awaitable<Lock>
  /** All that is stored, in no order. */
  list?(): AsyncIterable<OwnStored> | Iterable<OwnStored>
  close?(): unknown
}

export interface OwnStored {
  readonly id: string
  readonly record: unknown
}

/** What makes a class a loader. */
export const loaderMethods = ['load', 'save', 'remove', 'newSessionId', 'purge', 'lock', 'list'] as const

/** The record that a loader has answered, its own fields alone; undefined where it has none. A SessionError 'bad-loader' for anything else. */
export function recordFrom(found: unknown, loader: string): SessionRecord | undefined {
  if (found === undefined || found === null) return undefined
  const complain = (what: string, got: unknown): SessionError =>
    new SessionError('bad-loader', `load of ${loader}: expected ${what}, got ${kindOf(got)}`)
  if (typeof found !== 'object')
    throw complain('the record that was saved (of its text: JSON.parse), or undefined', found)
  const record: Record<string, unknown> = {}
  for (const [name, expected, isRight] of fields) {
    const value = (found as Readonly<Record<string, unknown>>)[name]
    // a column of a database that was not set
    if ((value === undefined || value === null) && optional.has(name)) continue
    if (!isRight(value)) throw complain(`a record whose ${name} is ${expected}`, value)
    record[name] = value
  }
  return record as unknown as SessionRecord
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isTime = (value: unknown): boolean => Number.isFinite(value)
const isVersion = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0
const isFlag = (value: unknown): boolean => typeof value === 'boolean'

const fields = [
  ['serviceId', 'a text', isText],
  ['data', 'a text', isText],
  ['createdAt', 'a number of ms', isTime],
  ['usedAt', 'a number of ms', isTime],
  ['endsAt', 'a number of ms', isTime],
  ['expiresAt', 'a number of ms', isTime],
  ['label', 'a text', isText],
  ['ended', 'true or false', isFlag],
  ['version', 'a whole number from 1', isVersion],
] as const satisfies readonly (readonly [keyof SessionRecord, string, (value: unknown) => boolean])[]

const optional: ReadonlySet<string> = new Set(['endsAt', 'expiresAt', 'label', 'ended'])

/** Never the value itself: it may be the session's. */
export const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
