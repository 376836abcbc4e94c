import { tombstoneOf } from '../life.ts'
import type { Awaitable, LoaderContext, SessionLoader, SessionRecord, StoredSession } from '../loader.ts'
import { LOCK_WAIT_MS } from '../lock-queue.ts'
import { aboutOf, kindOf, type OwnLoader, recordFrom } from '../own-loader.ts'
import { report } from '../report.ts'
import { SessionError, type SessionErrorCode } from '../session-error.ts'
import { isAnyId } from '../session-id.ts'
import { sessionKey, sessionName } from '../session-key.ts'
import type { FileLock } from './file-lock.ts'
import { OwnHold } from './own-hold.ts'
import { OwnLocks } from './own-locks.ts'

/** What the loader of a user's class is made of. */
export interface OwnLoaderParts {
  /** Of its class, for messages. */
  readonly name: string
  readonly make: () => OwnLoader
  /** The locks of this machine, for a class that has none, and their directory. */
  readonly locks: FileLock
  readonly lockDirectory: string
}

/**
 * A user's loader, made exact: versions are compared under the lock (`own-locks.ts`), so that its `save` only has to store.
 */
export class OwnSessionLoader implements SessionLoader {
  /** Absent where the class has none: ids are then of the usual form. */
  readonly newSessionId?: (context: LoaderContext) => Promise<string>
  readonly list?: (keyPrefix?: string) => AsyncGenerator<StoredSession>
  readonly #parts: OwnLoaderParts
  readonly #canRemove: boolean
  readonly #locks: OwnLocks
  /** Undefined after a close, until it is used again. */
  #loader: OwnLoader | undefined
  /** Calls under way, and locks that are held. */
  #uses = 0
  #isClosing = false

  constructor(parts: OwnLoaderParts) {
    this.#parts = parts
    this.#locks = new OwnLocks(parts, () => this.#used())
    this.#loader = this.#make()
    this.#canRemove = this.#loader.remove !== undefined
    if (this.#loader.lock === undefined) reportNoLock(parts)
    if (this.#loader.newSessionId !== undefined) this.newSessionId = context => this.#newId(context)
    if (this.#loader.list !== undefined) this.list = keyPrefix => this.#list(keyPrefix)
  }

  #make(): OwnLoader {
    const { name, make } = this.#parts
    try {
      return make()
    } catch (cause) {
      throw failure('cannot-load', `the loader ${name} cannot be made`, cause)
    }
  }

  async load(id: string, context: LoaderContext): Promise<SessionRecord | undefined> {
    const hold = this.#holdIn(id, context)
    const record = await this.#find(id, context)
    if (hold !== undefined) hold.seen = versionOf(record, context)
    return record?.serviceId === context.serviceId ? record : undefined
  }

  #find(id: string, context: LoaderContext): Promise<SessionRecord | undefined> {
    return this.#use('cannot-load', 'load', async loader =>
      recordFrom(await loader.load(id, aboutOf(context)), this.#parts.name),
    )
  }

  async save(id: string, record: SessionRecord, context: LoaderContext): Promise<'saved' | 'conflict'> {
    const hold = this.#holdIn(id, context)
    if (hold !== undefined) return this.#write(id, record, context, hold)
    const own = await this.lock(id, context, LOCK_WAIT_MS)
    try {
      return await this.#write(id, record, context, own)
    } finally {
      await own.release()
    }
  }

  async #write(
    id: string,
    record: SessionRecord,
    context: LoaderContext,
    hold: OwnHold,
  ): Promise<'saved' | 'conflict'> {
    if (!hold.isHeld()) return 'conflict'
    const seen = hold.isCertain() ? hold.seen : undefined
    const stored = seen ?? versionOf(await this.#find(id, context), context)
    if (stored !== record.version - 1) return 'conflict'
    // not known while it is being written, nor where that fails
    hold.seen = undefined
    if (record.ended === true && this.#canRemove) {
      await this.#use('cannot-save', 'remove', async loader => loader.remove!(id, aboutOf(context)))
      hold.seen = NEVER
      return 'saved'
    }
    const answer = await this.#use('cannot-save', 'save', async loader =>
      loader.save(id, { ...record }, aboutOf(context)),
    )
    if (answer === 'conflict') return 'conflict'
    hold.seen = record.version
    return 'saved'
  }

  async lock(id: string, context: LoaderContext, waitMs: number): Promise<OwnHold> {
    return this.#use('cannot-lock', 'lock', async loader => {
      const hold = await this.#locks.take(loader, id, context, waitMs)
      this.#uses++
      return hold
    })
  }

  /** The caller's hold on this session, if it has one of this loader. */
  #holdIn(id: string, { serviceId, lock }: LoaderContext): OwnHold | undefined {
    return lock instanceof OwnHold && lock.name === sessionName(serviceId, id) ? lock : undefined
  }

  async #newId(context: LoaderContext): Promise<string> {
    const id: unknown = await this.#use('cannot-save', 'newSessionId', async loader =>
      loader.newSessionId!(aboutOf(context)),
    )
    if (typeof id === 'string' && isAnyId(id)) return id
    const got = typeof id === 'string' ? 'another text' : kindOf(id)
    const wanted = 'a text of 1 to 128 letters, digits, _ or -'
    throw new SessionError('bad-loader', `newSessionId of ${this.#parts.name}: expected ${wanted}, got ${got}`)
  }

  async *#list(keyPrefix = ''): AsyncGenerator<StoredSession> {
    this.#begin()
    try {
      for await (const { id, record: found } of this.#loader!.list!()) {
        const record = recordFrom(found, this.#parts.name)
        if (record === undefined) continue
        const key = sessionKey(sessionName(record.serviceId, id))
        if (key.startsWith(keyPrefix)) yield { key, record, end: () => this.#end(id, { serviceId: record.serviceId }) }
      }
    } catch (cause) {
      throw failure('cannot-load', `list of ${this.#parts.name} failed`, cause)
    } finally {
      this.#used()
    }
  }

  async #end(id: string, context: LoaderContext): Promise<void> {
    const lock = await this.lock(id, context, LOCK_WAIT_MS)
    const holding = { ...context, lock }
    try {
      const record = await this.load(id, holding)
      if (record !== undefined && record.ended !== true) await this.save(id, tombstoneOf(record, Date.now()), holding)
    } finally {
      await lock.release()
    }
  }

  async purge(now: number): Promise<number> {
    await this.#parts.locks.clear()
    const removed = await this.#use('cannot-save', 'purge', async loader => loader.purge?.(now))
    return typeof removed === 'number' ? removed : 0
  }

  /** Closes the class's object as soon as nobody uses it. Who uses it afterwards gets another one, which is closed as soon. */
  close(): Awaitable<void> {
    this.#isClosing = true
    if (this.#uses === 0) return this.#closeNow()
  }

  async #closeNow(): Promise<void> {
    const loader = this.#loader
    this.#loader = undefined
    try {
      await loader?.close?.()
    } catch {
      // it is gone either way
    }
  }

  #begin(): OwnLoader {
    this.#loader ??= this.#make()
    this.#uses++
    return this.#loader
  }

  #used(): void {
    this.#uses--
    if (this.#uses === 0 && this.#isClosing) void this.#closeNow()
  }

  /** Calls a method of the class; what it throws is a failure of the store. */
  async #use<Value>(
    code: SessionErrorCode,
    method: keyof OwnLoader,
    run: (loader: OwnLoader) => Promise<Value>,
  ): Promise<Value> {
    const loader = this.#begin()
    try {
      return await run(loader)
    } catch (cause) {
      throw failure(code, `${method} of ${this.#parts.name} failed`, cause)
    } finally {
      this.#used()
    }
  }
}

const reported = new Set<string>()

/** Reports it once, however often the class is edited. */
function reportNoLock({ name, lockDirectory }: OwnLoaderParts): void {
  if (reported.has(lockDirectory)) return
  reported.add(lockDirectory)
  report(`the session loader ${name} has no lock(): it is exact on one machine only, by the locks in ${lockDirectory}`)
}

/** The version of what nothing may be stored over: a record of another service, and the end of a session. */
const NEVER = Number.NaN

/** 0 where nothing is stored. */
function versionOf(record: SessionRecord | undefined, { serviceId }: LoaderContext): number {
  if (record === undefined) return 0
  return record.serviceId === serviceId ? record.version : NEVER
}

function failure(code: SessionErrorCode, message: string, cause: unknown): SessionError {
  if (cause instanceof SessionError) return cause
  return new SessionError(code, `${message}: ${(cause as Error)?.message ?? kindOf(cause)}`, { cause })
}
