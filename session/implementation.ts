import { openLoader } from './open-loader.ts'
import { openOwnLoader } from './open-own-loader.ts'
import { loaderMethods } from './own-loader.ts'
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

/** The classes that were mixed, by their first part: the same parts give the same class, and so one loader. */
const mixed = new WeakMap<object, { readonly parts: readonly object[]; readonly made: SessionImplementation }[]>()

/**
 * A class with the members of all of these; where several have one, the first counts: `mixin(CookieSession, FileLoader, SessionImpl)`. Its
 * name is that of the part that is a loader, and it has the directives of all parts. Private members (`#name`) stay with their part: a method
 * that is mixed in cannot reach them.
 */
export function mixin(...parts: readonly (new () => object)[]): SessionImplementation {
  const [first = SessionImpl] = parts
  const known = mixed.get(first) ?? []
  const same = known.find(one => one.parts.length === parts.length && one.parts.every((part, at) => part === parts[at]))
  if (same !== undefined) return same.made
  const made = mix(parts)
  mixed.set(first, [...known, { parts, made }])
  return made
}

function mix(parts: readonly (new () => object)[]): SessionImplementation {
  class Mixed {
    static directives: object = Object.assign({}, ...parts.toReversed().map(part => Reflect.get(part, 'directives')))

    constructor() {
      for (const part of parts.toReversed()) Object.assign(this, new part())
    }
  }
  for (const part of parts.toReversed())
    for (let source: object = part.prototype; source !== Object.prototype; source = Object.getPrototypeOf(source))
      for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(source)))
        if (name !== 'constructor') Object.defineProperty(Mixed.prototype, name, property)
  const loading = parts.find(isLoaderClass)
  Object.defineProperty(Mixed, 'name', { value: loading?.name ?? parts.map(({ name }) => name).join(' ') })
  return Mixed
}

/** True for a class that loads and saves by itself. */
export const isLoaderClass = (value: unknown): value is SessionImplementation =>
  typeof value === 'function' &&
  typeof value.prototype?.load === 'function' &&
  typeof value.prototype.save === 'function'

const known = new WeakMap<SessionOptions, Map<SessionImplementation, SessionOptions>>()

/**
 * The options of a session as changed by its class: a loader of its own, or a directory, unless there is a `fileLoaderPath`
 * (PSOSessionFileLoader_Path). `directives` are the values of the class's own directives, `namedBy` says what names the class. Throws a
 * SessionError for a path where no session may be kept, and for a class with only some of a loader's methods.
 */
export function optionsWith(
  implementation: SessionImplementation,
  options: SessionOptions,
  {
    request,
    namedBy,
    directives,
  }: { request: unknown; namedBy: string; directives: Readonly<Record<string, unknown>> },
): SessionOptions {
  if (!isLoaderClass(implementation)) return optionsOfFiles(implementation, options, request, directives)
  let ofOptions = known.get(options)
  if (ofOptions === undefined) known.set(options, (ofOptions = new Map()))
  let made = ofOptions.get(implementation)
  if (made === undefined) {
    const { lockDirectory, user } = options
    const place = { namedBy, directives, lockDirectory, ...(user === undefined ? {} : { user }) }
    ofOptions.set(implementation, (made = { ...options, loader: openOwnLoader(implementation, place) }))
  }
  return made
}

function optionsOfFiles(
  implementation: SessionImplementation,
  options: SessionOptions,
  request: unknown,
  directives: Readonly<Record<string, unknown>>,
): SessionOptions {
  const made = Object.assign<object, object>(new implementation(), { directives }) as Partial<FileLoader>
  const method = loaderMethods.find(name => typeof Reflect.get(made, name) === 'function')
  if (method !== undefined)
    throw new SessionError(
      'bad-loader',
      `${implementation.name} has a method ${method}: expected a loader to have load and save, or a class of files to have PATH or getPath`,
    )
  const path = options.fileLoaderPath ?? made.getPath?.(request, { serviceId: options.serviceId })
  return path === undefined
    ? options
    : { ...options, loader: openLoader({ type: 'file', directory: options.resolvePath(path) }, options.user) }
}
