import type { SessionLoader } from './loader.ts'
import type { CookieAttributes, Transport } from './transport.ts'

/** What a service says of its sessions. The same object may serve many requests. */
export interface SessionOptions {
  readonly serviceId: string
  readonly loader: SessionLoader
  /** 1-128 of `[A-Za-z0-9_-]`: one session for all visitors, whatever they present. */
  readonly forcedId?: string
  /** PSOSessionExpire: seconds from the session's creation, or a date in ms. */
  readonly expire?: { readonly seconds: number } | { readonly date: number }
  /** PSOSessionExpireOn: the last ms of that day. Where both are set, the earlier one holds. */
  readonly expireOn?: { readonly date: number }
  /** PSOSessionIdle. Absent: one day for a session without an expiry, else no limit. */
  readonly idleSeconds?: number
  readonly lock: 'on' | 'merge' | 'off'
  readonly lockWaitMs: number
  readonly readOnly: boolean
  /** PSOSessionMaxSize: bytes of a session's data, as they are stored. */
  readonly maxSize: number
  readonly cookie: CookieAttributes
  /** How ids travel. */
  readonly transport: Transport
  /** PSOSessionFileLoader_Path where it is set: it wins over the PATH of an implementation class. */
  readonly fileLoaderPath?: string
  /** Makes the path of an implementation class absolute; a SessionError 'unusable-path' where no session may be kept there. */
  readonly resolvePath: (path: string) => string
  /** Holds the lock directories of users' loaders that have no lock: one for each, made when it is needed. */
  readonly lockDirectory: string
  /** Who lets go of the loaders with `closeLoaders`: a server, which may not be alone in its process. */
  readonly user?: object
}
