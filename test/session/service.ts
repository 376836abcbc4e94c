import type { SessionLoader } from '../../session/loader.ts'
import { abandonSession, finishSession, openSession } from '../../session/open-session.ts'
import type { Session } from '../../session/session.ts'
import type { SessionOptions } from '../../session/session-options.ts'
import { transportNamed } from '../../session/transports/transport-named.ts'

/** One service with one visitor, on a clock of its own. */
export function service(loader: SessionLoader, more: Partial<SessionOptions> = {}) {
  const clock = { now: Date.UTC(2026, 10, 25) }
  const options: SessionOptions = {
    serviceId: 's',
    loader,
    lock: 'on',
    lockWaitMs: 5000,
    readOnly: false,
    maxSize: 1024 * 1024,
    cookie: {},
    transport: transportNamed('cookie'),
    resolvePath: path => path,
    lockDirectory: '',
    ...more,
  }
  const open = async (id?: string, own: Partial<SessionOptions> = {}): Promise<Session> =>
    openSession(
      { ...options, ...own },
      { cookieHeader: id === undefined ? undefined : `s=${id}`, query: undefined, secure: false },
      () => clock.now,
    )
  /** One request: opens, runs, saves. Resolves to the id. */
  const request = async (id: string | undefined, run: (session: Session) => unknown, own?: Partial<SessionOptions>) => {
    const session = await open(id, own)
    try {
      await run(session)
    } catch (error) {
      await abandonSession(session)
      throw error
    }
    await finishSession(session)
    return session.id!
  }
  const dataOf = async (id: string) => ({ ...(await open(id, { lock: 'off' })) })
  return { clock, open, request, dataOf }
}
