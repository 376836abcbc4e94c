/** The door of the sessions: id and data, a loader that keeps them, a transport that carries the id. Plain options in, no HTTP. */
export {
  CookieFileImpl,
  CookieSession,
  FileLoader,
  isLoaderClass,
  mixin,
  optionsWith,
  SessionImpl,
  type SessionImplementation,
} from './implementation.ts'
export { hasEnded } from './life.ts'
export type { Awaitable, LoaderContext, Lock, SessionLoader, SessionRecord, StoredSession } from './loader.ts'
export { type LockOwner, self as thisProcess, stateOf as stateOfProcess } from './loaders/lock-owner.ts'
export { closeLoaders, hasMemoryLoader, type LoaderSpec, openLoader, purgeLoaders } from './open-loader.ts'
export { openOwnLoader } from './open-own-loader.ts'
export {
  abandonSession,
  cookieOf,
  finishSession,
  idForUrls,
  openSession,
  reserveId,
  revertSession,
} from './open-session.ts'
export type { LoaderAbout, OwnLoader, OwnStored } from './own-loader.ts'
export { onReport } from './report.ts'
export { closeCreation, type Session, type SessionData } from './session.ts'
export { SessionError, type SessionErrorCode } from './session-error.ts'
export type { SessionOptions } from './session-options.ts'
export { cookieTooLong } from './transports/cookie.ts'
export { type TransportName, transportNamed } from './transports/transport-named.ts'
