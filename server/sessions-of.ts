import {
  type Awaitable,
  abandonSession,
  finishSession,
  idForUrls,
  revertSession,
  type Session,
} from '../session/index.ts'
import type { RequestState } from './request-state.ts'

/** Saves and unlocks all sessions of a request; a promise only where a loader takes one. All are let go even if one fails. */
export function finishSessions(state: RequestState): Awaitable<void> {
  const { sessions } = state
  if (sessions.length === 0) return
  const first = sessions[0]!.session
  if (sessions.length === 1 && !(first instanceof Promise)) return finishSession(first)
  return finishAll(state)
}

async function finishAll(state: RequestState): Promise<void> {
  const results = await Promise.allSettled(state.sessions.map(async ({ session }) => finishSession(await session)))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** Takes back what was changed and not saved; the sessions stay open, and locked, for the error document. */
export async function revertSessions(state: RequestState): Promise<void> {
  for (const { session } of state.sessions) if (!(session instanceof Promise)) await revertSession(session)
}

/** Drops what was changed and not saved, unlocks, and forgets the sessions; one that is still being opened when it is there. */
export async function abandonSessions(state: RequestState): Promise<void> {
  const opened = state.sessions.splice(0)
  await Promise.all(opened.map(({ session }) => abandon(state, session)))
}

async function abandon(state: RequestState, opening: Awaitable<Session>): Promise<void> {
  let session: Session
  try {
    session = await opening
  } catch {
    // there is none
    return
  }
  try {
    await abandonSession(session)
  } catch (error) {
    state.site.errorLog.write('error', `a session could not be let go: ${(error as Error).message}`, state)
  }
}

/** The ids that URLs of this answer have to carry, by service id. */
export function* idsInUrls({ sessions }: RequestState): Generator<[serviceId: string, id: string]> {
  for (const { serviceId, session } of sessions) {
    const id = session instanceof Promise ? undefined : idForUrls(session)
    if (id !== undefined) yield [serviceId, id]
  }
}
