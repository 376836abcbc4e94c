import { join } from 'node:path'
import type { Awaitable } from './loader.ts'
import { FileLock } from './loaders/file-lock.ts'
import { OwnSessionLoader } from './loaders/own.ts'
import type { OwnLoader } from './own-loader.ts'

export type LoaderClass = new () => object

/** Where and for whom a class is a loader. */
export interface OwnLoaderPlace {
  /** What names the class: the next class of that name there, after an edit, takes its place. */
  readonly namedBy: string
  /** The directory for the locks of loaders that have none of their own. */
  readonly lockDirectory: string
  /** The values of what the class declares as its directives. */
  readonly directives: Readonly<Record<string, unknown>>
  /** Who lets go of the loader with `closeLoaders`. */
  readonly user?: object
}

/** The user of a loader that is opened without naming one: by a command or a test. */
export const somebody = {}

interface Opened {
  readonly loaderClass: LoaderClass
  readonly loader: OwnSessionLoader
}

/** By class, locks and values: one object for each in a process. */
const known = new WeakMap<LoaderClass, Map<string, OwnSessionLoader>>()
/** By user, then by who names them. */
const current = new Map<object, Map<string, Opened>>()
/** Those in use, with their users. */
const open = new Map<OwnSessionLoader, Set<object>>()
const locks = new Map<string, FileLock>()

/** The loader that a class makes: one for each class and values in a process. A SessionError where it cannot be made. */
export function openOwnLoader(loaderClass: LoaderClass, place: OwnLoaderPlace): OwnSessionLoader {
  const { namedBy, directives, user = somebody } = place
  const name = loaderClass.name || 'anonymous'
  const lockDirectory = join(place.lockDirectory, name.replace(/[^A-Za-z0-9_-]/g, '_'))
  const values = JSON.stringify(directives)
  let ofClass = known.get(loaderClass)
  if (ofClass === undefined) known.set(loaderClass, (ofClass = new Map()))
  const key = `${lockDirectory}\0${values}`
  let loader = ofClass.get(key)
  // when all its users have let go of it, a loader is closed for good
  if (loader === undefined || !open.has(loader))
    ofClass.set(key, (loader = make(loaderClass, name, lockDirectory, directives)))
  const users = open.get(loader)
  if (users === undefined) open.set(loader, new Set([user]))
  else users.add(user)
  replace(user, `${namedBy}\0${key}`, { loaderClass, loader })
  return loader
}

function make(
  loaderClass: LoaderClass,
  name: string,
  lockDirectory: string,
  directives: OwnLoaderPlace['directives'],
): OwnSessionLoader {
  let lock = locks.get(lockDirectory)
  if (lock === undefined) locks.set(lockDirectory, (lock = new FileLock(lockDirectory, () => {})))
  return new OwnSessionLoader({
    name,
    make: () => Object.assign(new loaderClass(), { directives }) as unknown as OwnLoader,
    locks: lock,
    lockDirectory,
  })
}

/** After an edit the class is another one: the object of the old one is closed when the requests under way have done with it. */
function replace(user: object, place: string, opened: Opened): void {
  let places = current.get(user)
  if (places === undefined) current.set(user, (places = new Map()))
  const before = places.get(place)
  if (before?.loader === opened.loader) return
  places.set(place, opened)
  if (before !== undefined) void letGo(user, before.loader)
}

/** Closes what nobody else uses. */
function letGo(user: object, loader: OwnSessionLoader): Awaitable<void> {
  const users = open.get(loader)
  if (users?.delete(user) !== true || users.size > 0) return
  open.delete(loader)
  return loader.close()
}

/** All that are in use. */
export const ownLoaders = (): Iterable<OwnSessionLoader> => open.keys()

export async function closeOwnLoaders(user: object): Promise<void> {
  for (const loader of open.keys()) await letGo(user, loader)
  current.delete(user)
  if (open.size === 0) for (const lock of locks.values()) lock.close()
}
