import { setTimeout as passed } from 'node:timers/promises'
import { inTurn } from './in-turn.ts'
import { DAMAGED_MS, hasEnded, tombstoneOf } from './life.ts'
import type { Awaitable, SessionRecord } from './loader.ts'
import { report } from './report.ts'
import { fill, saveAndUnlock, saveChanges, unlock } from './save-session.ts'
import { makeSession, type Session, stateOf } from './session.ts'
import { forcedIdOf, isAnyId, isSessionId } from './session-id.ts'
import { sessionKey, sessionName } from './session-key.ts'
import type { SessionOptions } from './session-options.ts'
import { SessionState } from './session-state.ts'
import type { Presented } from './transport.ts'

/** Nobody sends more cookies of one name than this in good faith; each costs a look at the store. */
const MOST_CANDIDATES = 8
/** How long the end of a request that failed waits for calls that nobody awaited. */
const CALLS_MS = 500

/**
 * The session of a request: that of the forced id, else of the first presented id that the loader knows for this service and that is not
 * over, else a new one. An unknown id is never adopted. Locked unless the options say otherwise; without an id there is no lock and no
 * I/O. At once where the loader answers at once.
 */
export function openSession(options: SessionOptions, presented: Presented, now: () => number): Awaitable<Session> {
  const state = new SessionState(options, presented, now)
  const session = makeSession(state)
  if (options.forcedId !== undefined) {
    state.id = forcedIdOf(options.forcedId)
    return openOne(state, session, [state.id], 0)
  }
  const { transport, loader } = options
  const isOfForm = loader.newSessionId === undefined ? isSessionId : isAnyId
  const ids = transport.idsOf(presented, options.serviceId).filter(isOfForm).slice(0, MOST_CANDIDATES)
  return ids.length === 0 ? session : openOne(state, session, ids, 0)
}

function openOne(state: SessionState, session: Session, ids: readonly string[], at: number): Awaitable<Session> {
  const id = ids[at]
  if (id === undefined) return session
  const { options, context } = state
  if (options.lock !== 'on' || options.readOnly) return loadOne(state, session, ids, at)
  const lock = options.loader.lock(id, context, options.lockWaitMs)
  if (lock instanceof Promise)
    return lock.then(held => {
      context.lock = held
      return loadOne(state, session, ids, at)
    })
  context.lock = lock
  return loadOne(state, session, ids, at)
}

function loadOne(state: SessionState, session: Session, ids: readonly string[], at: number): Awaitable<Session> {
  try {
    const record = state.options.loader.load(ids[at]!, state.context)
    if (!(record instanceof Promise)) return judge(state, session, ids, at, record)
    return record.then(
      found => judge(state, session, ids, at, found),
      error => failed(state, error),
    )
  } catch (error) {
    return failed(state, error)
  }
}

function failed(state: SessionState, error: unknown): never {
  void unlock(state)
  throw error
}

function judge(
  state: SessionState,
  session: Session,
  ids: readonly string[],
  at: number,
  record: SessionRecord | undefined,
): Awaitable<Session> {
  const isKnown = record !== undefined && record.serviceId === state.options.serviceId
  if (isKnown && !hasEnded(record, state.now())) {
    try {
      fill(session, record)
    } catch {
      return setAside(state, session, ids, at, record)
    }
    state.adopt(ids[at]!, record)
    return session
  }
  if (state.isForced) {
    // it is made when something is written to it, in place of the ended record
    if (isKnown) state.replaced = record.version
    return session
  }
  if (isKnown && record.ended !== true) return buryFound(state, session, ids, at, record)
  const unlocked = unlock(state)
  if (unlocked instanceof Promise) return unlocked.then(() => openOne(state, session, ids, at + 1))
  return openOne(state, session, ids, at + 1)
}

/**
 * Data that cannot be read give the visitor a fresh session; they are kept for a week, under a key that is reported, for whoever wants to
 * look at them. The reason is not reported, for an error of JSON quotes the data.
 */
async function setAside(
  state: SessionState,
  session: Session,
  ids: readonly string[],
  at: number,
  record: SessionRecord,
): Promise<Session> {
  const { options, now } = state
  const { serviceId, loader } = options
  const id = `damaged:${ids[at]}`
  try {
    await loader.save(id, { ...record, ended: true, endsAt: now() + DAMAGED_MS, version: 1 }, { serviceId })
    const key = sessionKey(sessionName(serviceId, id))
    report(`a session of ${serviceId} is damaged and was set aside, with the key ${key}`)
  } catch (error) {
    await unlock(state)
    throw error
  }
  if (!state.isForced) return buryFound(state, session, ids, at, record)
  state.replaced = record.version
  return session
}

/** What was found over stays over, even if a wrong clock is set right: a visitor who has lost a session must not meet it again. */
async function buryFound(
  state: SessionState,
  session: Session,
  ids: readonly string[],
  at: number,
  record: SessionRecord,
): Promise<Session> {
  const { options, context, now } = state
  try {
    if (!options.readOnly) await options.loader.save(ids[at]!, tombstoneOf(record, now()), { ...context, isLast: true })
  } catch {
    // it is over all the same
  } finally {
    await unlock(state)
  }
  return openOne(state, session, ids, at + 1)
}

/**
 * The end of a request that did not fail: waits for calls that nobody awaited, saves what changed, unlocks. Throws what makes the save
 * a failed one; the lock is released all the same. Does its work once; from then on no session begins, and no id changes.
 */
export function finishSession(session: Session): Awaitable<void> {
  const state = stateOf(session)
  if (state.isFinished) return
  state.isFinished = true
  const save = (): Awaitable<void> => inTurn(state, () => saveAndUnlock(state, session))
  const saved = state.pending === undefined ? save() : finishLater(state, save)
  if (saved instanceof Promise) return saved.finally(() => (state.isHeadGone = true))
  state.isHeadGone = true
}

async function finishLater(state: SessionState, save: () => Awaitable<void>): Promise<void> {
  try {
    await settlePending(state)
  } catch (error) {
    await unlock(state)
    throw error
  }
  await save()
}

/** Waits for all pending calls, and for those that they begin; throws the first failure. */
async function settlePending(state: SessionState): Promise<void> {
  const failures: unknown[] = []
  for (let calls = state.pending; calls !== undefined; calls = state.pending) {
    state.pending = undefined
    for (const result of await Promise.allSettled(calls)) if (result.status === 'rejected') failures.push(result.reason)
  }
  if (failures.length > 0) throw failures[0]
}

/** After a failure, before its error document: waits for calls that nobody awaited, for what they save stays; then reverts. */
export function revertSession(session: Session): Awaitable<void> {
  const state = stateOf(session)
  if (state.pending === undefined) return session.revert()
  return settlePending(state).then(
    () => session.revert(),
    () => session.revert(),
  )
}

/**
 * The end of a request that failed: what was changed and not saved is dropped, and nothing is saved any more. What is being saved is waited
 * for, but not for ever: a function of the author's may never come back.
 */
export async function abandonSession(session: Session): Promise<void> {
  const state = stateOf(session)
  const calls = state.isFinished ? state.turn : state.pending && settlePending(state).catch(() => {})
  state.isFinished = true
  if (calls !== undefined) await Promise.race([calls, passed(CALLS_MS)])
  state.isAbandoned = true
  await unlock(state)
}

/** The Set-Cookie value that the response is to have for this session; undefined: none. A session that was written to gets its id here. */
export function cookieOf(session: Session): string | undefined {
  const state = stateOf(session)
  const { options, presented, expiresAt, now, status, id, record, toldId, toldExpiresAt } = state
  const isOther = status === 'open' && (id !== toldId || expiresAt !== toldExpiresAt)
  const isGiven = isOther || begins(state, session)
  const isTakenBack = status === 'ended' && record !== undefined
  if (state.isForced || options.readOnly || (!isGiven && !isTakenBack)) return undefined
  const { transport } = options
  const keeping = {
    serviceId: options.serviceId,
    attributes: options.cookie,
    presented,
    expiresAt,
    now: now(),
  }
  return isGiven ? transport.give(state.needId(), keeping) : transport.takeBack(keeping)
}

/**
 * The id that URLs of this answer have to carry; undefined: none, since a cookie brings it or there is nothing to bring. If there is no
 * session yet, one begins, even without data, so that whoever follows the link finds it. A SessionError where it is too late for that.
 */
export function idForUrls(session: Session): string | undefined {
  const state = stateOf(session)
  const { options, presented, id, status } = state
  if (!options.transport.usesUrl || state.isForced || status === 'ended') return undefined
  if (id !== undefined && !options.transport.isDueInUrls(id, presented, options.serviceId)) return undefined
  if (status === 'open') return id
  if (options.readOnly) return undefined
  if (id === undefined) state.requireHead()
  state.isShared = true
  return state.needId()
}

/** Before the head leaves early: an id that a user's loader makes may be taken, which only a save finds out. */
export function reserveId(session: Session): Awaitable<void> {
  const state = stateOf(session)
  if (state.options.loader.newSessionId !== undefined && begins(state, session))
    return inTurn(state, () => saveChanges(state, session))
}

/** True where a session that the store does not know yet is to be stored. */
const begins = (state: SessionState, session: Session): boolean =>
  state.status === 'new' && !state.isFinished && state.hasBegun(session)
