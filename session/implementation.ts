import { resolve } from 'node:path'
import type { Awaitable } from './loader.ts'
import { fileLoaderAt } from './loaders/file.ts'
import { openSession } from './open-session.ts'
import type { Session } from './session.ts'
import type { SessionOptions } from './session-options.ts'
import type { Presented } from './transport.ts'

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

/** Opens a session as the class says; `fileLoaderPath`, which PSOSessionFileLoader_Path sets, goes before the class's own path. */
export function openWith(
  implementation: SessionImplementation,
  options: SessionOptions,
  presented: Presented,
  now: () => number,
): Awaitable<Session> {
  const made = new implementation() as Partial<FileLoader>
  const path = options.fileLoaderPath ?? made.getPath?.(presented.req, { serviceId: options.serviceId })
  return openSession(path === undefined ? options : { ...options, loader: fileLoaderAt(resolve(path)) }, presented, now)
}
