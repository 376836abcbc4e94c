import { openLoader } from './open-loader.ts'
import { SessionError } from './session-error.ts'
import type { SessionOptions } from './session-options.ts'

/** What `getPath` is told of the session that is about to be opened. */
export interface SessionAbout {
  readonly serviceId: string
}

/** The session implementation as a whole; what is mixed into it says how the id travels and where the records are kept. */
export class SessionImpl {}

/** Carries the id in a cookie. */
export class CookieSession {}

/** Keeps the records in files: overload `PATH`, or `getPath` for more control. */
export class FileLoader {
  /** The directory of the session files; PSOSessionFileLoader_Path goes before it. */
  PATH?: string

  /** The directory for this request; it is made if it is missing. Default: PATH. Undefined: what the directives say. */
  getPath(_req: unknown, _session: SessionAbout): string | undefined {
    return this.PATH
  }
}

/** The implementation of the how-to: ids in cookies, records in files. */
export class CookieFileImpl extends FileLoader {}

export type SessionImplementation = new () => SessionImpl

/** A class with the members of all of these, the first that has one giving it: `mixin(CookieSession, FileLoader, SessionImpl)`. */
export function mixin(...parts: readonly (new () => object)[]): SessionImplementation {
  class Mixed {
    constructor() {
      for (const part of parts.toReversed()) Object.assign(this, new part())
    }
  }
  for (const part of parts.toReversed())
    for (let source: object = part.prototype; source !== Object.prototype; source = Object.getPrototypeOf(source))
      for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(source)))
        if (name !== 'constructor') Object.defineProperty(Mixed.prototype, name, property)
  return Mixed
}

/** What would make the class a loader of its own. */
const loaderMethods = ['load', 'save', 'remove', 'newSessionId', 'purge', 'lock']

/**
 * The options of a session as the class says it; `fileLoaderPath`, which PSOSessionFileLoader_Path sets, goes before the class's own
 * path. Throws a SessionError for a path where no session may be kept, and for a class that would be a loader.
 */
export function optionsWith(
  implementation: SessionImplementation,
  options: SessionOptions,
  request: unknown,
): SessionOptions {
  const made = new implementation() as Partial<FileLoader> & Record<string, unknown>
  const name = loaderMethods.find(method => typeof made[method] === 'function')
  if (name !== undefined)
    throw new SessionError(
      'not-built',
      `a loader of one's own is not built yet: ${implementation.name} has a method ${name}; overload PATH or getPath`,
    )
  const path = options.fileLoaderPath ?? made.getPath?.(request, { serviceId: options.serviceId })
  return path === undefined
    ? options
    : { ...options, loader: openLoader({ type: 'file', directory: options.resolvePath(path) }) }
}
