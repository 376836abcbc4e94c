import { join } from 'node:path'
import { FileLock } from './loaders/file-lock.ts'
import { OwnSessionLoader } from './loaders/own.ts'
import type { OwnLoader } from './own-loader.ts'

export type LoaderClass = new () => object

/** Where and for whom a class is a loader. */
export interface OwnLoaderPlace {
  /** What names the class: the next class of that name there, after an edit, takes its place. */
  readonly namedBy: string
  /** The directory that loaders without a lock of their own get theirs in. */
  readonly lockDirectory: string
  /** The values of what the class declares as its directives. */
  readonly directives: Readonly<Record<string, unknown>>
}

interface Opened {
  readonly loaderClass: LoaderClass
  readonly loader: OwnSessionLoader
}

/** By class, locks and values: one object for each in a process. */
const known = new WeakMap<LoaderClass, Map<string, OwnSessionLoader>>()
/** By who names them. */
const current = new Map<string, Opened>()
const open = new Set<OwnSessionLoader>()
const locks = new Map<string, FileLock>()

/** The loader that a class makes: one for each class and values in a process. A SessionError where it cannot be made. */
export function openOwnLoader(loaderClass: LoaderClass, place: OwnLoaderPlace): OwnSessionLoader {
  const { namedBy, directives } = place
  const name = loaderClass.name || 'anonymous'
  const lockDirectory = join(place.lockDirectory, name.replace(/[^A-Za-z0-9_-]/g, '_'))
  const values = JSON.stringify(directives)
  let ofClass = known.get(loaderClass)
  if (ofClass === undefined) known.set(loaderClass, (ofClass = new Map()))
  const key = `${lockDirectory}\0${values}`
  let loader = ofClass.get(key)
  if (loader === undefined) ofClass.set(key, (loader = make(loaderClass, name, lockDirectory, directives)))
  open.add(loader)
  replace(`${namedBy}\0${key}`, { loaderClass, loader })
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
function replace(place: string, opened: Opened): void {
  const before = current.get(place)
  if (before?.loader === opened.loader) return
  current.set(place, opened)
  if (before === undefined) return
  open.delete(before.loader)
  void before.loader.close()
}

/** All that are in use. */
export const ownLoaders = (): Iterable<OwnSessionLoader> => open

export async function closeOwnLoaders(): Promise<void> {
  for (const loader of open) await loader.close()
  open.clear()
  current.clear()
  for (const lock of locks.values()) lock.close()
}
