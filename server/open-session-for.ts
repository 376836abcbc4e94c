import { type HandlerRef, withDirectives } from '../directives/index.ts'
import {
  type Awaitable,
  closeCreation,
  openSession,
  optionsWith,
  type Session,
  SessionError,
  type SessionImplementation,
  type SessionOptions,
} from '../session/index.ts'
import type { Request } from './api/request.ts'
import type { Plan } from './plan.ts'
import type { OpenedSession, RequestState } from './request-state.ts'
import { sessionOptions } from './session-options.ts'

/**
 * Opens a session for a request, or gives the one it has of this service in this place: once for a client request, however
 * many directories answer it. At once where the loader answers at once.
 */
export function openSessionFor(
  state: RequestState,
  request: Request,
  implementation?: SessionImplementation,
  overrides?: Readonly<Record<string, string>>,
): Awaitable<Session> {
  if (state.isOver) throw new SessionError('too-late', 'the request is over: no session can be opened any more')
  const own = overrides === undefined ? optionsOf(state) : overriddenOptions(state, overrides)
  const options = implementation === undefined ? own : optionsWith(implementation, own, request)
  const { serviceId, loader } = options
  // the same class, or another that keeps its sessions in the same place: opened twice, it would wait for itself
  for (const known of state.sessions) if (known.serviceId === serviceId && known.loader === loader) return known.session
  const presented = {
    cookieHeader: state.raw.headers.cookie,
    query: options.transport.usesUrl ? queryOf(state.fastify.originalUrl) : undefined,
    secure: state.fastify.protocol === 'https',
    req: request,
  }
  const session = openSession(options, presented, state.site.now)
  // kept while it is still being opened: a second call that locked the same session again would wait for itself
  const opened: OpenedSession = { serviceId, loader, usesUrl: options.transport.usesUrl, session }
  state.sessions.push(opened)
  if (!(session instanceof Promise)) return afterFlush(state, session)
  return session.then(
    ready => {
      opened.session = ready
      return afterFlush(state, ready)
    },
    error => {
      state.sessions.splice(state.sessions.indexOf(opened), 1)
      throw error
    },
  )
}

/** Of what the client asked for, whatever answers in its place. */
const queryOf = (url: string): string | undefined => (url.includes('?') ? url.slice(url.indexOf('?') + 1) : undefined)

function afterFlush(state: RequestState, session: Session): Session {
  if (state.output.flushed || state.settled) closeCreation(session)
  return session
}

const known = new WeakMap<Plan, WeakMap<HandlerRef, SessionOptions>>()

/** The options of the directory's own directives, made once for each program that it has. */
function optionsOf(state: RequestState): SessionOptions {
  const { plan, content, site } = state
  if (content?.kind !== 'program') return sessionOptions(site.config, plan, plan.directives, content)
  let ofPlan = known.get(plan)
  if (ofPlan === undefined) known.set(plan, (ofPlan = new WeakMap()))
  let options = ofPlan.get(content.handlers[0]!)
  if (options === undefined)
    ofPlan.set(content.handlers[0]!, (options = sessionOptions(site.config, plan, plan.directives, content)))
  return options
}

/** The service that the request is for: PSOServiceId, or what its first module makes of it. */
export const serviceIdOf = (state: RequestState): string =>
  state.content?.kind === 'program' ? optionsOf(state).serviceId : (state.plan.directives.PSOServiceId ?? '')

/** The query's parameter that carries the session's id; undefined where PSOSessionTransport does not say `url`. */
export const idNameOf = (state: RequestState): string | undefined =>
  state.plan.directives.PSOSessionTransport === 'cookie' ? undefined : serviceIdOf(state)

function overriddenOptions(state: RequestState, overrides: Readonly<Record<string, string>>): SessionOptions {
  const { plan, content, site } = state
  const directives = withDirectives(plan.merged, overrides, site.config)
  if (directives.PSOSessionLoader.type === 'memory' && site.workers > 1)
    throw new SessionError('bad-loader', `PSOSessionLoader: expected file: with ${site.workers} workers, got memory:`)
  return sessionOptions(site.config, plan, directives, content)
}
