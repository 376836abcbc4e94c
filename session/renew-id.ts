import { tombstoneOf } from './life.ts'
import type { SessionRecord } from './loader.ts'
import { conflict, meet, saveChanges, underNewLock, unlock } from './save-session.ts'
import { SessionError } from './session-error.ts'
import type { SessionState } from './session-state.ts'

type Data = Record<string, unknown>

/** Stores the same data under another id; the old id dies, and must not have died before. If it fails the session keeps its id. */
export async function renewId(state: SessionState, data: Data): Promise<void> {
  if (state.isForced || state.status === 'ended') return
  if (state.isHeadGone)
    throw new SessionError('too-late', 'the id cannot change any more: the head of the response has left')
  const { id, record, options, context } = state
  if (options.readOnly || id === undefined || record === undefined) return saveAsNew(state, data)
  if (context.lock === undefined)
    return underNewLock(state, id, async current => {
      if (state.status === 'ended') return 'saved'
      meet(state, data, current)
      return move(state, data, id)
    })
  try {
    if ((await move(state, data, id)) === 'saved') return
  } finally {
    await unlock(state)
  }
  throw conflict('changed or ended')
}

/** From `oldId`, whose lock is held, to another id. 'conflict': the lock was lost. */
async function move(state: SessionState, data: Data, oldId: string): Promise<'saved' | 'conflict'> {
  const { options, context, now } = state
  const old = state.record!
  await saveAsNew(state, data)
  let answer: 'saved' | 'conflict' | undefined
  try {
    answer = await options.loader.save(oldId, tombstoneOf(old, now()), { ...context, isLast: true })
  } finally {
    if (answer !== 'saved') await moveBack(state, oldId, old)
  }
  return answer
}

/** Takes the new id back, which nobody has been told: a session that another request has ended may not live on under it. */
async function moveBack(state: SessionState, oldId: string, old: SessionRecord): Promise<void> {
  const { options, context, now } = state
  const { id, record } = state
  state.id = oldId
  state.record = old
  state.isTouched = true
  try {
    await options.loader.save(id!, tombstoneOf(record!, now()), { ...context, lock: undefined })
  } catch {
    // the store is gone, and the id is known to nobody
  }
}

/** Under an id of its own, which needs no lock: nobody else knows it. */
async function saveAsNew(state: SessionState, data: Data): Promise<void> {
  const { id, record, context } = state
  const { lock } = context
  state.id = undefined
  state.record = undefined
  context.lock = undefined
  try {
    await saveChanges(state, data, true)
  } catch (error) {
    state.id = id
    state.record = record
    throw error
  } finally {
    context.lock = lock
  }
}
