import { type Directives, type HandlerRef, withDirectives } from '../directives/index.ts'
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
import type { Content } from './choose-content.ts'
import { loadLoaderClass } from './modules/load-loader-class.ts'
import { directivesFor } from './own-directives.ts'
import type { Plan } from './plan.ts'
import type { OpenedSession, RequestState } from './request-state.ts'
import { serviceIdIn } from './service-id.ts'
import { sessionOptions } from './session-options.ts'

/**
 * Opens a session for a request, or returns the one that is already open for this service in this store: once per client request,
 * however many directories answer it. At once where the loader answers at once.
 */
export function openSessionFor(
  state: RequestState,
  request: Request,
  implementation?: SessionImplementation,
  overrides?: Readonly<Record<string, string>>,
): Awaitable<Session> {
  const own = overrides === undefined ? optionsOf(state) : overriddenOptions(state, overrides)
  return own instanceof Promise
    ? own.then(options => openWith(state, request, options, implementation))
    : openWith(state, request, own, implementation)
}

function openWith(
  state: RequestState,
  request: Request,
  own: SessionOptions,
  implementation: SessionImplementation | undefined,
): Awaitable<Session> {
  if (state.isOver) throw new SessionError('too-late', 'the request is over: no session can be opened any more')
  const options = implementation === undefined ? own : implementedBy(state, request, own, implementation)
  const { serviceId, loader, forcedId } = options
  // the same class, or another that keeps its sessions in the same place: opened twice, it would wait for itself
  for (const known of state.sessions)
    if (known.serviceId === serviceId && known.loader === loader && known.forcedId === forcedId) return known.session
  const presented = {
    cookieHeader: state.raw.headers.cookie,
    query: options.transport.usesUrl ? queryOf(state.incoming.originalUrl) : undefined,
    secure: state.incoming.protocol === 'https',
    req: request,
  }
  const session = openSession(options, presented, state.site.now)
  // kept while it is still being opened: a second call that locked the same session again would wait for itself
  const opened: OpenedSession = { serviceId, loader, forcedId, usesUrl: options.transport.usesUrl, session }
  state.sessions.push(opened)
  if (!(session instanceof Promise)) return afterFlush(state, session)
  return session.then(
    ready => {
      opened.session = ready
      return afterFlush(state, ready)
    },
    error => {
      state.sessions = state.sessions.filter(one => one !== opened)
      throw error
    },
  )
}

/** The query of the URL that the client asked for, whatever answers in its place. */
const queryOf = (url: string): string | undefined => (url.includes('?') ? url.slice(url.indexOf('?') + 1) : undefined)

/** The options as changed by a user's class. */
function implementedBy(
  { site, plan, running = '' }: RequestState,
  request: Request,
  own: SessionOptions,
  implementation: SessionImplementation,
): SessionOptions {
  const directives = directivesFor(site.config, plan.merged, implementation)
  return optionsWith(implementation, own, { request, namedBy: running, directives })
}

function afterFlush(state: RequestState, session: Session): Session {
  if (state.output.flushed || state.settled) closeCreation(session)
  return session
}

/** What is known of a service in a directory; its first handler decides which service that is. */
interface Service {
  readonly serviceId: string
  loaderClass: SessionImplementation | undefined
  options: SessionOptions | undefined
}

const services = new WeakMap<Plan, WeakMap<HandlerRef, Service>>()

function serviceOf({ plan, site }: RequestState, content: Extract<Content, { kind: 'handler' }>): Service {
  let ofPlan = services.get(plan)
  if (ofPlan === undefined) services.set(plan, (ofPlan = new WeakMap()))
  let service = ofPlan.get(content.handlers[0]!)
  if (service === undefined) {
    const serviceId = serviceIdIn(site.config, plan.directives, content)
    ofPlan.set(content.handlers[0]!, (service = { serviceId, loaderClass: undefined, options: undefined }))
  }
  return service
}

/** The options of the directory's own directives, made once for each service that it has; again where the loader's class was edited. */
function optionsOf(state: RequestState): Awaitable<SessionOptions> {
  const loaderClass = loaderClassOf(state, state.plan.directives)
  return loaderClass instanceof Promise ? loaderClass.then(one => optionsBy(state, one)) : optionsBy(state, loaderClass)
}

function optionsBy(state: RequestState, loaderClass: SessionImplementation | undefined): SessionOptions {
  const { plan, content, site } = state
  const make = (): SessionOptions => sessionOptions(site, plan, plan.directives, content, loaderClass)
  if (content?.kind !== 'handler') return make()
  const service = serviceOf(state, content)
  if (service.options === undefined || service.loaderClass !== loaderClass) {
    service.options = make()
    service.loaderClass = loaderClass
  }
  return service.options
}

/** The class of a PSOSessionLoader that names one. */
function loaderClassOf(
  { site }: RequestState,
  { PSOSessionLoader: choice }: Directives,
): Awaitable<SessionImplementation | undefined> {
  return choice.type === 'module' ? loadLoaderClass(site, choice) : undefined
}

/** The service that the request is for: PSOServiceId, or what its first module makes of it. */
export const serviceIdOf = (state: RequestState): string =>
  state.content?.kind === 'handler'
    ? serviceOf(state, state.content).serviceId
    : (state.plan.directives.PSOServiceId ?? '')

/** The query's parameter that carries the session's id; undefined where PSOSessionTransport does not say `url`. */
export const idNameOf = (state: RequestState): string | undefined =>
  state.plan.directives.PSOSessionTransport === 'cookie' ? undefined : serviceIdOf(state)

function overriddenOptions(
  state: RequestState,
  overrides: Readonly<Record<string, string>>,
): Awaitable<SessionOptions> {
  const { plan, content, site } = state
  const directives = withDirectives(plan.merged, overrides, site.config)
  if (directives.PSOSessionLoader.type === 'memory' && site.workers > 1)
    throw new SessionError('bad-loader', `PSOSessionLoader: expected file: with ${site.workers} workers, got memory:`)
  const loaderClass = loaderClassOf(state, directives)
  const make = (one: SessionImplementation | undefined): SessionOptions =>
    sessionOptions(site, plan, directives, content, one)
  return loaderClass instanceof Promise ? loaderClass.then(make) : make(loaderClass)
}
