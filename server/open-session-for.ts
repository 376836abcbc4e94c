import { type HandlerRef, withDirectives } from '../directives/index.ts'
import {
  type Awaitable,
  closeCreation,
  openSession,
  openWith,
  type Session,
  type SessionImplementation,
  type SessionOptions,
} from '../session/index.ts'
import type { Plan } from './plan.ts'
import type { Request } from './request.ts'
import type { OpenedSession, RequestState } from './request-state.ts'
import { sessionOptions } from './session-options.ts'

/**
 * Opens a session for a request, or gives the one it has of this service and implementation: once for a client request, however
 * many directories answer it. At once where the loader answers at once.
 */
export function openSessionFor(
  state: RequestState,
  request: Request,
  implementation?: SessionImplementation,
  overrides?: Readonly<Record<string, string>>,
): Awaitable<Session> {
  const options = overrides === undefined ? optionsOf(state) : overriddenOptions(state, overrides)
  for (const known of state.sessions)
    if (known.serviceId === options.serviceId && known.implementation === implementation) return known.session
  const presented = {
    cookieHeader: state.raw.headers.cookie,
    secure: state.fastify.protocol === 'https',
    req: request,
  }
  const { now } = state.site
  const session =
    implementation === undefined
      ? openSession(options, presented, now)
      : openWith(implementation, options, presented, now)
  // kept while it is still being opened: a second call that locked the same session again would wait for itself
  const opened: OpenedSession = { serviceId: options.serviceId, implementation, session }
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

function afterFlush(state: RequestState, session: Session): Session {
  if (state.output.flushed) closeCreation(session)
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

function overriddenOptions(state: RequestState, overrides: Readonly<Record<string, string>>): SessionOptions {
  const { plan, content, site } = state
  return sessionOptions(site.config, plan, withDirectives(plan.merged, overrides, site.config), content)
}
