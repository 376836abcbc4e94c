import { decode } from './encode.ts'
import { expiryAtCreation, hasEnded } from './life.ts'
import type { Awaitable, SessionRecord } from './loader.ts'
import { SessionError } from './session-error.ts'
import { newSessionId } from './session-id.ts'
import type { SessionState } from './session-state.ts'

type Data = Record<string, unknown>

/** Stores what changed. `mustExist`: a call of `save()` stores a new session even if it is empty. At once where the loader is. */
export function saveChanges(state: SessionState, data: Data, mustExist = false): Awaitable<void> {
  if (state.options.readOnly) return refuseChanges(state, data, mustExist)
  if (state.status === 'ended') return bury(state)
  const record = state.recordOf(data, mustExist)
  if (record === undefined) return
  if (state.id === undefined) {
    if (state.isHeadGone)
      throw new SessionError('too-late', 'a session cannot begin any more: the head of the response has left')
    const made = state.options.loader.newSessionId?.(state.context)
    if (made instanceof Promise) return made.then(id => store(state, id, record))
    return store(state, made ?? newSessionId(), record)
  }
  return store(state, state.id, record)
}

/** A use is not written either; whatever else is to be, is an error. */
function refuseChanges(state: SessionState, data: Data, mustExist: boolean): void {
  const isEnded = state.status === 'ended' && state.record !== undefined
  const record = isEnded || mustExist ? undefined : state.recordOf(data, false)
  const isKept = !isEnded && !mustExist && state.expiresAt === (state.record ?? state).expiresAt
  if (isKept && (record === undefined || record.data === state.record?.data)) return
  throw new SessionError('read-only', 'the session was changed, but PSOSessionReadOnly is on')
}

function store(state: SessionState, id: string, record: SessionRecord): Awaitable<void> {
  state.id = id
  const answer = state.options.loader.save(id, record, state.context)
  return answer instanceof Promise
    ? answer.then(result => stored(state, record, result))
    : stored(state, record, answer)
}

function stored(state: SessionState, record: SessionRecord, answer: 'saved' | 'conflict'): Awaitable<void> {
  if (answer === 'conflict') {
    if (state.options.lock === 'on')
      throw new SessionError('conflict', 'the session was changed or ended by another request meanwhile')
    return overwrite(state, record)
  }
  state.record = { ...record, version: record.version + 1 }
  state.status = 'open'
  state.isTouched = false
}

/** Without a lock the last one wins, except over the end of a session. */
function overwrite(state: SessionState, record: SessionRecord): Awaitable<void> {
  const again = (current: SessionRecord | undefined): Awaitable<void> => {
    if (current === undefined || hasEnded(current, state.now()))
      throw new SessionError('conflict', 'the session was ended by another request meanwhile')
    return store(state, state.id!, { ...record, version: current.version })
  }
  const current = state.options.loader.load(state.id!, state.context)
  return current instanceof Promise ? current.then(again) : again(current)
}

/** Ends the session in the store: a tombstone that no slower request writes over. */
function bury(state: SessionState): Awaitable<void> {
  const { id, record } = state
  if (id === undefined || record === undefined || record.ended === true) return
  state.record = { ...record, ended: true }
  return state.options.loader.remove?.(id, state.context)
}

/** The same data under another id; the old id dies. The lock of the old one is kept, so that nobody meets it half-way. */
export async function renewId(state: SessionState, data: Data): Promise<void> {
  if (state.isForced || state.status === 'ended') return
  if (state.isHeadGone)
    throw new SessionError('too-late', 'the id cannot change any more: the head of the response has left')
  const { id: oldId, record: old, context } = state
  const { loader } = state.options
  state.id = undefined
  state.record = undefined
  await saveChanges(state, data, true)
  if (oldId !== undefined && old !== undefined) await loader.remove?.(oldId, context)
}

/** Takes the data back to the last load or save; an end that was not saved is no end. */
export function revertChanges(state: SessionState, data: Data): void {
  const { record, options } = state
  // an end that was saved is where it goes back to
  if (record?.ended === true) return
  for (const key of Object.keys(data)) delete data[key]
  state.isTouched = false
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

export function unlock(state: SessionState): Awaitable<void> {
  const { release } = state
  state.release = undefined
  state.context.isLocked = false
  return release?.()
}
