import { type Directives, readPathForWriting, type ServerConfig } from '../directives/index.ts'
import { SessionError, type SessionImplementation, type SessionOptions, transportNamed } from '../session/index.ts'
import type { Content } from './choose-content.ts'
import { loaderFor, lockDirectoryOf } from './loader-for.ts'
import { outwardCookiePath } from './outward-path.ts'
import type { Plan } from './plan.ts'
import { serviceIdIn } from './service-id.ts'
import type { Site } from './site.ts'

/**
 * The one place where a directive becomes a session option.
 * `content` is what answers: a handler's first module names the service where PSOServiceId does not. `loaderClass`: where
 * PSOSessionLoader names one.
 */
export function sessionOptions(
  { config, prefix, owner }: Pick<Site, 'config' | 'prefix' | 'owner'>,
  plan: Pick<Plan, 'forcedIds' | 'merged'>,
  directives: Directives,
  content: Content | undefined,
  loaderClass: SessionImplementation | undefined,
): SessionOptions {
  const serviceId = serviceIdIn(config, directives, content)
  const forcedId = directives.PSOSessionId ?? plan.forcedIds.get(serviceId.toLowerCase())
  const directory = directives.PSOSessionFileLoader_Path
  return {
    serviceId,
    loader: loaderFor(config, plan.merged, directives, loaderClass, owner),
    lockDirectory: lockDirectoryOf(config),
    user: owner,
    ...(directory === undefined ? {} : { fileLoaderPath: directory }),
    resolvePath: path => resolvePath(path, config, directives),
    ...(forcedId === undefined ? {} : { forcedId }),
    ...(directives.PSOSessionExpire === undefined ? {} : { expire: directives.PSOSessionExpire }),
    ...(directives.PSOSessionExpireOn === undefined ? {} : { expireOn: directives.PSOSessionExpireOn }),
    ...(directives.PSOSessionIdle === undefined ? {} : { idleSeconds: directives.PSOSessionIdle }),
    lock: directives.PSOSessionLock,
    lockWaitMs: directives.PSOSessionLockWait * 1000,
    readOnly: directives.PSOSessionReadOnly,
    maxSize: directives.PSOSessionMaxSize,
    cookie: cookieAttributes(directives, serviceId, prefix),
    transport: transportNamed(directives.PSOSessionTransport),
  }
}

/** The path of an implementation class is held to what PSOSessionFileLoader_Path is held to (DESIGN 3, paths given for writing). */
function resolvePath(
  path: unknown,
  { documentRoot, stateDirectory }: Pick<ServerConfig, 'documentRoot' | 'stateDirectory'>,
  { AccessFileName }: Directives,
): string {
  const complain = (message: string): SessionError =>
    new SessionError('unusable-path', `PATH or getPath of the session's class: ${message}`)
  if (typeof path !== 'string' || path === '') throw complain(`expected a path, got ${String(path) || 'no text'}`)
  let found: string | undefined
  try {
    found = readPathForWriting(path, {
      documentRoot,
      stateDirectory,
      accessFileNames: AccessFileName,
    })
  } catch (error) {
    throw complain((error as Error).message)
  }
  if (found === undefined) throw complain(`expected a path, got ${JSON.stringify(path)}`)
  return found
}

function cookieAttributes(directives: Directives, serviceId: string, prefix: string): SessionOptions['cookie'] {
  const prefixed = /^__(host|secure)-/i.test(serviceId)
  const given = {
    comment: directives.PSOCookieSession_Comment,
    domain: directives.PSOCookieSession_Domain,
    maxAge: directives['PSOCookieSession_Max-Age'],
    path: outwardCookiePath(prefix, serviceId, directives.PSOCookieSession_Path ?? '/'),
    secure: prefixed ? true : directives.PSOCookieSession_Secure,
    version: directives.PSOCookieSession_Version,
    expires: directives.PSOCookieSession_expires,
    httpOnly: directives.PSOCookieSession_HttpOnly,
    sameSite: directives.PSOCookieSession_SameSite,
    partitioned: directives.PSOCookieSession_Partitioned,
    priority: directives.PSOCookieSession_Priority,
  }
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as SessionOptions['cookie']
}
