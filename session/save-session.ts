import { decode, encode } from './encode.ts'
import { expiryAtCreation, hasEnded, tombstoneOf } from './life.ts'
import type { Awaitable, SessionRecord } from './loader.ts'
import { merge } from './merge.ts'
import { SessionError } from './session-error.ts'
import { newSessionId } from './session-id.ts'
import type { SessionState } from './session-state.ts'

type Data = Record<string, unknown>

/** How often a step that needs the lock begins again because the lock was lost on the way. */
const TRIES = 5

/** Stores what changed. `mustExist`: a call of `save()` stores a new session even if it is empty. At once where the loader answers at once. */
export function saveChanges(state: SessionState, data: Data, mustExist = false, tries = 0): Awaitable<void> {
  refuseAbandoned(state)
  if (state.options.readOnly) return refuseChanges(state, data, mustExist)
  if (state.status === 'ended') return bury(state)
  const record = state.recordOf(data, mustExist)
  if (record === undefined) return
  const id = idOf(state)
  return id instanceof Promise
    ? id.then(made => store(state, data, made, record, tries))
    : store(state, data, id, record, tries)
}

/** The last thing that is done with a session, or with its lock: both in one step where the loader can. */
export function saveAndUnlock(state: SessionState, data: Data): Awaitable<void> {
  state.context.isLast = true
  let saved: Awaitable<void>
  try {
    saved = saveChanges(state, data)
  } catch (error) {
    void unlock(state)
    throw error
  }
  return saved instanceof Promise ? saved.finally(() => unlock(state)) : unlock(state)
}

/** The client has been told that its request failed. */
function refuseAbandoned({ isAbandoned }: SessionState): void {
  if (isAbandoned)
    throw new SessionError('too-late', 'the request has failed: nothing of its session is saved any more')
}

/** For a read-only session: a use is not written either, and any other change is an error. */
function refuseChanges(state: SessionState, data: Data, mustExist: boolean): void {
  const isEnded = state.status === 'ended' && state.record !== undefined
  const record = isEnded || mustExist ? undefined : state.recordOf(data, false)
  const { expiresAt, label } = state.record ?? state
  const isKept = !isEnded && !mustExist && state.expiresAt === expiresAt && state.label === label
  if (isKept && (record === undefined || record.data === state.record?.data)) return
  throw new SessionError('read-only', 'the session was changed, but PSOSessionReadOnly is on')
}

/** The session's id; the loader makes one for a session that begins. */
function idOf(state: SessionState): Awaitable<string> {
  if (state.id !== undefined) return state.id
  state.requireHead()
  const made = state.options.loader.newSessionId?.(state.context) ?? newSessionId()
  if (made instanceof Promise) return made.then(id => (state.id ??= id))
  return (state.id = made)
}

function store(state: SessionState, data: Data, id: string, record: SessionRecord, tries: number): Awaitable<void> {
  const answer = state.options.loader.save(id, record, state.context)
  return answer instanceof Promise
    ? answer.then(result => stored(state, data, record, result, tries))
    : stored(state, data, record, answer, tries)
}

function stored(
  state: SessionState,
  data: Data,
  record: SessionRecord,
  answer: 'saved' | 'conflict',
  tries: number,
): Awaitable<void> {
  if (answer === 'saved') return keep(state, record)
  return state.record === undefined && !state.isForced ? beginAgain(state, data, tries) : saveOver(state, data)
}

/** The id that the loader made is taken: another session is stored under it, so this one gets another id. */
function beginAgain(state: SessionState, data: Data, tries: number): Awaitable<void> {
  if (state.isHeadGone || tries >= TRIES)
    throw new SessionError('bad-loader', `newSessionId made ids that are taken, ${tries + 1} times in a row`)
  state.id = undefined
  return saveChanges(state, data, true, tries + 1)
}

/** Keeps what was done to the session while it was being stored: its end, and what the next save has to write. */
function keep(state: SessionState, record: SessionRecord): void {
  state.record = record
  if (state.status === 'new') state.status = 'open'
  state.isTouched = state.label !== record.label || state.expiresAt !== record.expiresAt
}

/**
 * The store has another version than the one that was read. `merge` brings both sides together key by key, with `off` the last one wins,
 * `on` refuses: the lock was lost, or given back. Nothing is written over the end of a session.
 */
function saveOver(state: SessionState, data: Data): Promise<void> {
  if (state.options.lock === 'on') throw conflict('changed or ended')
  return underNewLock(state, state.id!, async current => {
    // the end of the request says so to the store
    if (state.status === 'ended') return 'saved'
    meet(state, data, current)
    return saveLast(state, data)
  })
}

/** Goes on from what the store has now, as PSOSessionLock says. */
export function meet(state: SessionState, data: Data, current: SessionRecord | undefined): void {
  const { lock } = state.options
  if (lock === 'merge') return mergeInto(state, data, current)
  const theirs = theirsOf(state, current)
  if (lock === 'on' && theirs?.version !== state.record?.version) throw conflict('changed or ended')
  state.record = theirs
}

/** The error of a session that another request has changed or ended meanwhile. */
export const conflict = (how: 'changed or ended' | 'ended'): SessionError =>
  new SessionError('conflict', `the session was ${how} by another request meanwhile`)

async function saveLast(state: SessionState, data: Data): Promise<'saved' | 'conflict'> {
  refuseAbandoned(state)
  const record = state.recordOf(data, true)
  if (record === undefined) return 'saved'
  const answer = await state.options.loader.save(state.id!, record, { ...state.context, isLast: true })
  if (answer === 'saved') keep(state, record)
  return answer
}

/** Ends the session in the store: a tombstone that no slower request writes over. */
function bury(state: SessionState): Awaitable<void> {
  const { id, record } = state
  if (id === undefined || record === undefined || record.ended === true) return
  const ended = endStored(state, id, record)
  const keepEnd = (): void => {
    state.record = { ...record, ended: true }
  }
  return ended instanceof Promise ? ended.then(keepEnd) : keepEnd()
}

/** Ends what is stored under an id, whatever another request has made of it meanwhile. */
function endStored(state: SessionState, id: string, known: SessionRecord): Awaitable<void> {
  const { options, context, now } = state
  const answer = options.loader.save(id, tombstoneOf(known, now()), context)
  return answer instanceof Promise
    ? answer.then(result => (result === 'saved' ? undefined : endOther(state, id)))
    : answer === 'saved'
      ? undefined
      : endOther(state, id)
}

function endOther(state: SessionState, id: string): Promise<void> {
  return underNewLock(state, id, async current => {
    if (current === undefined || current.ended === true) return 'saved'
    return state.options.loader.save(id, tombstoneOf(current, state.now()), { ...state.context, isLast: true })
  })
}

/** Takes a lock, and again if it was lost on the way, for a step that needs what the store has now. */
export async function underNewLock(
  state: SessionState,
  id: string,
  step: (current: SessionRecord | undefined) => Promise<'saved' | 'conflict'>,
): Promise<void> {
  const { context, options } = state
  await unlock(state)
  for (let tries = 0; tries < TRIES; tries++) {
    context.lock = await options.loader.lock(id, context, options.lockWaitMs)
    try {
      if ((await step(await options.loader.load(id, context))) === 'saved') return
    } finally {
      await unlock(state)
    }
  }
  throw conflict('changed or ended')
}

/** What another request has stored; undefined where there is none, and a forced session begins. Throws where the session has ended. */
function theirsOf(state: SessionState, current: SessionRecord | undefined): SessionRecord | undefined {
  if (current !== undefined && !hasEnded(current, state.now())) return current
  if (state.record !== undefined) throw conflict('ended')
  state.replaced = current?.version
  return undefined
}

/** Takes what the store has now as the state of the session, with this request's own changes over it. */
function mergeInto(state: SessionState, data: Data, current: SessionRecord | undefined): void {
  const theirs = theirsOf(state, current)
  if (theirs === undefined) return
  const { record } = state
  const merged = merge(decode(record?.data ?? '{}'), data, dataOf(theirs))
  if (state.expiresAt === record?.expiresAt) state.expiresAt = theirs.expiresAt
  if (state.label === record?.label) state.label = theirs.label
  state.record = theirs
  replaceData(data, merged)
}

/** Without the reason: an error of JSON quotes the data. */
function dataOf(record: SessionRecord): Data {
  try {
    return decode(record.data)
  } catch {
    throw new SessionError('cannot-load', 'what another request has saved of the session meanwhile cannot be read')
  }
}

/**
 * Changes the session by a function and saves, exactly: if another request was faster, the function is called again on what that one saved.
 * Does nothing where the session has ended meanwhile.
 */
export async function updateSession(state: SessionState, data: Data, change: () => unknown): Promise<void> {
  if (state.status === 'ended') return
  const before = encode(data)
  const { record: base, options, context } = state
  const isOthers = base !== undefined || state.isForced
  if (options.readOnly || !isOthers || context.lock !== undefined) {
    await change()
    try {
      return await saveChanges(state, data, true)
    } catch (error) {
      // else the lock was lost: once more, on what the store has now
      if (!(error instanceof SessionError) || error.code !== 'conflict' || !isOthers) throw error
    }
  }
  await underNewLock(state, state.id!, async current => {
    if (state.status === 'ended') return 'saved'
    state.record = base
    replaceData(data, decode(before))
    mergeInto(state, data, current)
    await change()
    return saveLast(state, data)
  })
}

/** Takes the session back to the last load or save; an end that was not saved is undone. */
export function revertChanges(state: SessionState, data: Data): void {
  const { record, options } = state
  // an end that was saved is where it goes back to
  if (record?.ended === true) return
  for (const key of Object.keys(data)) delete data[key]
  state.isTouched = false
  state.label = record?.label
  state.isShared = false
  if (record === undefined) {
    state.status = 'new'
    state.expiresAt = expiryAtCreation(options, state.createdAt)
    return
  }
  state.status = 'open'
  state.expiresAt = record.expiresAt
  fill(data, record)
}

/** Puts a record's data into the session. */
export function fill(data: Data, record: SessionRecord): void {
  const values = decode(record.data)
  for (const key of Object.keys(values)) data[key] = values[key]
}

function replaceData(data: Data, values: Data): void {
  for (const key of Object.keys(data)) if (!Object.hasOwn(values, key)) delete data[key]
  for (const key of Object.keys(values)) data[key] = values[key]
}

/** Gives the session's lock back, where it is held. */
export function unlock(state: SessionState): Awaitable<void> {
  const { lock } = state.context
  state.context.lock = undefined
  return lock?.release()
}
