import { encode } from './encode.ts'
import { endOf, expiryAtCreation, isTouchDue } from './life.ts'
import type { LoaderContext, Lock, SessionRecord } from './loader.ts'
import { SessionError } from './session-error.ts'
import { newSessionId } from './session-id.ts'
import type { SessionOptions } from './session-options.ts'
import { checkSize } from './session-size.ts'
import type { Presented } from './transport.ts'

export type Status = 'new' | 'open' | 'ended'

/**
 * What stands behind one session of one request: what the store has of it, the lock, and what is to become of it. The data are the
 * session's own properties; `save-session.ts` brings the two together.
 */
export class SessionState {
  readonly options: SessionOptions
  readonly presented: Presented
  readonly now: () => number
  /** What the loader is told; its `lock` is set while it is held. */
  readonly context: LoaderContext & { lock: Lock | undefined; isLast: boolean }
  status: Status = 'new'
  /** The loader's name for it; undefined: no id yet. */
  id: string | undefined
  /** The record as it was last loaded or saved. */
  record: SessionRecord | undefined
  /** The version of a forced session's ended record, over which a new one is stored. */
  replaced: number | undefined
  createdAt: number
  /** When its expiry ends it, ms; by the directives until code says something else. */
  expiresAt: number | undefined
  /** Whose it is, by `session.label()`. */
  label: string | undefined
  /** True where expiry, label or last use changed: an existing session is written even if its data did not change, but none begins. */
  isTouched = false
  /** True where a URL carries the id of a session that is not stored yet: it is stored even if it is empty. */
  isShared = false
  /** The id and expiry that the client knows; if they differ when the head of the response leaves, it is told again. */
  toldId: string | undefined
  toldExpiresAt: number | undefined
  /** Calls that nobody may have awaited. */
  pending: Promise<unknown>[] | undefined
  /** The last of them that is under way (`in-turn.ts`). */
  turn: Promise<unknown> | undefined
  /** True once a byte of the response has left. */
  isHeadGone = false
  isFinished = false
  /** True once its request has failed: what still runs changes nothing in the store. */
  isAbandoned = false

  constructor(options: SessionOptions, presented: Presented, now: () => number) {
    this.options = options
    this.presented = presented
    this.now = now
    this.context = { serviceId: options.serviceId, lock: undefined, isLast: false, req: presented.req }
    this.createdAt = now()
    this.expiresAt = expiryAtCreation(options, this.createdAt)
  }

  get isForced(): boolean {
    return this.options.forcedId !== undefined
  }

  /** Takes what the store has as the state of the session. */
  adopt(id: string, record: SessionRecord): void {
    this.status = 'open'
    this.id = id
    this.record = record
    this.createdAt = record.createdAt
    this.expiresAt = record.expiresAt
    this.label = record.label
    this.toldId = id
    this.toldExpiresAt = record.expiresAt
  }

  /** An id of the session's own, made when it is first needed. */
  needId(): string {
    this.id ??= newSessionId()
    return this.id
  }

  /** Throws a SessionError where it is too late to tell the client the id of a session that begins. */
  requireHead(): void {
    if (this.isHeadGone)
      throw new SessionError('too-late', 'a session cannot begin any more: the head of the response has left')
  }

  /** True where a session that the store does not know is to be stored: something was written to it, or a URL carries its id. */
  hasBegun(data: Record<string, unknown>): boolean {
    return this.isShared || this.label !== undefined || Object.keys(data).length > 0
  }

  /** The record to be stored now, or undefined where nothing is to be written. `mustExist`: a new one is stored empty too. */
  recordOf(data: Record<string, unknown>, mustExist: boolean): SessionRecord | undefined {
    const { record, label } = this
    if (record === undefined && !mustExist && !this.hasBegun(data)) return undefined
    const text = encode(data)
    const time = this.now()
    if (record !== undefined && text === record.data && !this.isTouched && !isTouchDue(this.options, record, time))
      return undefined
    checkSize(text, data, this.options.maxSize)
    const endsAt = endOf(this.options, this.expiresAt, time)
    return {
      serviceId: this.options.serviceId,
      data: text,
      createdAt: this.createdAt,
      usedAt: time,
      ...(endsAt === undefined ? {} : { endsAt }),
      ...(this.expiresAt === undefined ? {} : { expiresAt: this.expiresAt }),
      ...(label === undefined ? {} : { label }),
      version: (record?.version ?? this.replaced ?? 0) + 1,
    }
  }
}
