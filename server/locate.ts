import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { areServableNames, nameClass, namesBelow } from './hidden-names.ts'
import { Refusal } from './refusal.ts'
import { pathOf } from './request-path.ts'

/** Where a URL leads below the document root. Nothing else maps URLs to files: this is the gate (DESIGN 4). */
export interface Location {
  /** Decoded once and normalised; begins with `/` and keeps a slash at the end. */
  readonly path: string
  /** As sent, behind the `?`; undefined without one. */
  readonly query: string | undefined
  readonly kind: 'file' | 'directory' | 'missing'
  /** Absolute, as the URL spells it: the deepest existing directory that may be seen. No slash at the end. */
  readonly directory: string
  /** Its decoded URL path, with a slash at the end. */
  readonly directoryUrl: string
  readonly file: string | undefined
  /** Of the file, links followed. */
  readonly stats: Stats | undefined
  /** What [Files] matches: the file's name, or that of the first piece that is missing; undefined for a directory. */
  readonly name: string | undefined
  /** What is left of the path behind file or directory, beginning with `/`; '' for nothing. */
  readonly pathInfo: string
  /** A directory that was asked for with its slash. */
  readonly hasSlash: boolean
  /** A symbolic link leads out of the document root: shown only where Options says so. */
  readonly outside: Outside | undefined
  /** An existing TypeScript file: sent only by `SetHandler = default-handler`. */
  readonly source: boolean
}

interface Outside {
  /** The link and what it leads to have the same owner (SymLinksIfOwnerMatch). */
  readonly sameOwner: boolean
}

export interface Locator {
  /** Throws a Refusal: 400 for what is no path, 404 for NUL and encoded slashes, 403 for what cannot be looked at. */
  locate(rawUrl: string): Location
  forget(path: string): void
  forgetAll(): void
}

interface Directory {
  readonly path: string
  readonly url: string
  readonly outside: Outside | undefined
  readonly checkedAt: number
}

const MAX_DIRECTORIES = 10_000

/**
 * `root`: absolute, its links resolved. In development (`recheckMs` 0) each directory of a path is looked at for each request; in
 * production once in `recheckMs`, so that a known URL costs one look at its file.
 */
export function createLocator({
  root,
  accessFileNames,
  now,
  recheckMs,
}: {
  readonly root: string
  readonly accessFileNames: readonly string[]
  readonly now: () => number
  readonly recheckMs: number
}): Locator {
  const directories = new Map<string, Directory>()

  /** The directory at a URL path with its slash; undefined where there is none that may be seen. */
  function directoryAt(url: string, time: number): Directory | undefined {
    const known = directories.get(url)
    if (known !== undefined && time - known.checkedAt < recheckMs && time >= known.checkedAt) return known
    const found = lookAtDirectory(url, time)
    if (found === undefined) directories.delete(url)
    else {
      if (directories.size >= MAX_DIRECTORIES) directories.clear()
      directories.set(url, found)
    }
    return found
  }

  function lookAtDirectory(url: string, time: number): Directory | undefined {
    if (url === '/') return { path: root, url, outside: undefined, checkedAt: time }
    const slash = url.lastIndexOf('/', url.length - 2)
    const parent = directoryAt(url.slice(0, slash + 1), time)
    if (parent === undefined) return undefined
    const found = lookAt(parent, url.slice(slash + 1, -1))
    if (found === undefined || !found.stats.isDirectory()) return undefined
    return { path: found.path, url, outside: found.outside, checkedAt: time }
  }

  /** What a name of a directory stands for; undefined where nothing is, or nothing that may be seen. */
  function lookAt(
    parent: Directory,
    name: string,
  ): { path: string; stats: Stats; outside: Outside | undefined } | undefined {
    if (nameClass(name, accessFileNames) === 'hidden') return undefined
    const path = `${parent.path}/${name}`
    try {
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats === undefined) return undefined
      if (!stats.isSymbolicLink()) return { path, stats, outside: parent.outside }
      const target = statSync(path)
      const below = namesBelow(realpathSync.native(path), root)
      // the second check, by the names that the file system has: a link to what is hidden is hidden
      if (below !== undefined && !areServableNames(below, accessFileNames, true)) return undefined
      const outside = below === undefined ? { sameOwner: stats.uid === target.uid } : parent.outside
      return { path, stats: target, outside }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOTDIR' || code === 'ENOENT') return undefined
      throw new Refusal(403, `${path} cannot be looked at: ${code}`)
    }
  }

  function locate(rawUrl: string): Location {
    const { path, query } = pathOf(rawUrl)
    const time = now()
    const slash = path.lastIndexOf('/')
    const parent = directoryAt(path.slice(0, slash + 1), time)
    if (parent === undefined) return locateDeep(path, query, time)
    if (slash === path.length - 1) return directoryLocation(path, query, parent, true)
    return locateIn(parent, path, path.slice(slash + 1), '', query, time)
  }

  /** The directory of the path is not there: the first piece that is no directory decides. */
  function locateDeep(path: string, query: string | undefined, time: number): Location {
    let parent = directoryAt('/', time)!
    for (let from = 1; ; ) {
      const end = path.indexOf('/', from)
      const next = directoryAt(path.slice(0, end + 1), time)
      if (next === undefined) return locateIn(parent, path, path.slice(from, end), path.slice(end), query, time)
      parent = next
      from = end + 1
    }
  }

  function locateIn(
    parent: Directory,
    path: string,
    name: string,
    rest: string,
    query: string | undefined,
    time: number,
  ): Location {
    const found = lookAt(parent, name)
    if (found?.stats.isDirectory()) {
      const directory = directoryAt(`${parent.url}${name}/`, time)
      if (directory !== undefined) return directoryLocation(path, query, directory, false)
    }
    const isFile = found?.stats.isFile() === true
    if (found !== undefined && !isFile && !found.stats.isDirectory()) throw new Refusal(403, `${found.path} is no file`)
    return {
      path,
      query,
      kind: isFile ? 'file' : 'missing',
      directory: parent.path,
      directoryUrl: parent.url,
      file: isFile ? found.path : undefined,
      stats: isFile ? found.stats : undefined,
      name,
      pathInfo: isFile ? rest : `/${name}${rest}`,
      hasSlash: false,
      outside: isFile ? found.outside : parent.outside,
      source: isFile && nameClass(name, accessFileNames) === 'source',
    }
  }

  return {
    locate,
    forget(path) {
      const below = (directory: Directory): boolean => directory.path === path || directory.path.startsWith(`${path}/`)
      for (const [url, directory] of directories)
        if (below(directory) || directory.path === dirname(path)) directories.delete(url)
    },
    forgetAll: () => directories.clear(),
  }
}

const directoryLocation = (
  path: string,
  query: string | undefined,
  directory: Directory,
  hasSlash: boolean,
): Location => ({
  path,
  query,
  kind: 'directory',
  directory: directory.path,
  directoryUrl: directory.url,
  file: undefined,
  stats: undefined,
  name: undefined,
  pathInfo: '',
  hasSlash,
  outside: directory.outside,
  source: false,
})
