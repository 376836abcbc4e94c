import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { areServableNames, isHandlerSource, nameClass, namesBelow } from './files/hidden-names.ts'
import { Refusal } from './refusal.ts'
import { pathOf } from './request-path.ts'

/**
 * Where a URL leads below the document root, or below the directory of a ScriptAlias. Nothing else maps URLs to files: this is the gate
 * (DESIGN 4).
 */
export interface Location {
  readonly root: Root
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
  /** An existing TypeScript file, or a link to a handler's source: sent only by `SetHandler = default-handler`, the latter never. */
  readonly source: boolean
}

/** A directory that URLs are mapped to. */
export interface Root {
  /** Absolute, its links resolved. */
  readonly path: string
  /** The URL path that it stands for, with its slash. */
  readonly url: string
  /** All that is in it are programs (ScriptAlias). */
  readonly isScriptAlias: boolean
}

interface Outside {
  /** The link and what it leads to have the same owner (SymLinksIfOwnerMatch). */
  readonly sameOwner: boolean
}

export interface Locator {
  /** Throws a Refusal: 400 for what is no path, 404 for NUL and encoded slashes, 403 for what cannot be looked at. */
  locate(rawUrl: string): Location
  forget(path: string): void
}

/** What a name stands for, links followed. */
interface Found {
  readonly path: string
  readonly stats: Stats
  readonly outside: Outside | undefined
  /** A link to the source of a handler. */
  readonly isHandler?: boolean
}

interface Directory {
  readonly root: Root
  readonly path: string
  readonly url: string
  readonly outside: Outside | undefined
  readonly checkedAt: number
}

const MAX_DIRECTORIES = 10_000

/**
 * `root`: absolute, its links resolved; so are the directories of `scriptAliases`, by their URL paths with a slash. In development
 * (`recheckMs` 0) each directory of a path is looked at for each request; in production once in `recheckMs`, so that a known URL costs
 * one look at its file.
 */
export function createLocator({
  root,
  scriptAliases = new Map(),
  accessFileNames,
  now,
  recheckMs,
}: {
  readonly root: string
  readonly scriptAliases?: ReadonlyMap<string, string>
  readonly accessFileNames: readonly string[]
  readonly now: () => number
  readonly recheckMs: number
}): Locator {
  const directories = new Map<string, Directory>()
  const top = topOf({ path: root, url: '/', isScriptAlias: false })
  // the longest first: one may stand within another
  const aliases = [...scriptAliases]
    .map(([url, path]) => topOf({ path, url, isScriptAlias: true }))
    .sort((a, b) => b.url.length - a.url.length)

  /** Where the way down a path begins. */
  const topFor = (path: string): Directory =>
    aliases.length === 0 ? top : (aliases.find(({ url }) => path.startsWith(url)) ?? top)

  /** What is known of the directory at a URL path with its slash, and may still be trusted. */
  function trusted(url: string, time: number): Directory | undefined {
    const known = directories.get(url)
    return known !== undefined && time - known.checkedAt < recheckMs && time >= known.checkedAt ? known : undefined
  }

  function remember(directory: Directory): Directory {
    if (recheckMs === 0) return directory
    if (directories.size >= MAX_DIRECTORIES) directories.clear()
    directories.set(directory.url, directory)
    return directory
  }

  /** What a name of a directory stands for; undefined where nothing is, or nothing that may be seen. */
  function lookAt(parent: Directory, name: string): Found | undefined {
    if (nameClass(name, accessFileNames) === 'hidden') return undefined
    const path = `${parent.path}/${name}`
    try {
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats === undefined) return undefined
      return stats.isSymbolicLink() ? followed(path, stats, parent) : { path, stats, outside: parent.outside }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // the directory was trusted, and is a file by now
      if (code === 'ENOTDIR') return undefined
      // a name or path that is too long, a link to nothing or to itself, no permission: 403, as Apache
      throw new Refusal(403, `${path} cannot be looked at: ${code}`)
    }
  }

  function followed(path: string, link: Stats, parent: Directory): Found | undefined {
    const stats = statSync(path)
    const below = namesBelow(realpathSync.native(path), parent.root.path)
    if (below !== undefined) {
      // the second check, by the names that the file system has: a link to what is hidden is hidden; one to a handler may be a program
      const isHandler = isHandlerSource(below.at(-1) ?? '') && stats.isFile()
      const isSeen = areServableNames(isHandler ? below.slice(0, -1) : below, accessFileNames, true)
      return isSeen ? { path, stats, outside: parent.outside, isHandler } : undefined
    }
    const sameOwner = link.uid === stats.uid && parent.outside?.sameOwner !== false
    return { path, stats, outside: { sameOwner } }
  }

  function locate(rawUrl: string): Location {
    const { path, query } = pathOf(rawUrl)
    const time = now()
    const end = path.lastIndexOf('/') + 1
    const start = topFor(path)
    const parent = end === start.url.length ? start : trusted(path.slice(0, end), time)
    return parent === undefined
      ? walk(start, start.url.length, path, query, time)
      : walk(parent, end, path, query, time)
  }

  /** From a directory down the path, whose pieces begin at `from`, to the first piece that is no directory. */
  function walk(parent: Directory, from: number, path: string, query: string | undefined, time: number): Location {
    let directory = parent
    for (let start = from; start < path.length; ) {
      const slash = path.indexOf('/', start)
      const end = slash === -1 ? path.length : slash
      const known = slash === -1 ? undefined : trusted(path.slice(0, end + 1), time)
      if (known === undefined) {
        const name = path.slice(start, end)
        const found = lookAt(directory, name)
        if (!found?.stats.isDirectory()) return fileLocation(path, query, directory, name, found, path.slice(end))
        const { path: at, outside } = found
        directory = remember({
          root: directory.root,
          path: at,
          url: `${directory.url}${name}/`,
          outside,
          checkedAt: time,
        })
        if (slash === -1) return directoryLocation(path, query, directory, false)
      } else directory = known
      start = end + 1
    }
    return directoryLocation(path, query, directory, true)
  }

  /** The piece `name` of a directory is a file, or is missing; `rest` is what follows it. */
  function fileLocation(
    path: string,
    query: string | undefined,
    parent: Directory,
    name: string,
    found: Found | undefined,
    rest: string,
  ): Location {
    const isFile = found?.stats.isFile() === true
    if (found !== undefined && !isFile) throw new Refusal(403, `${found.path} is no file`)
    return {
      root: parent.root,
      path,
      query,
      kind: isFile ? 'file' : 'missing',
      directory: parent.path,
      directoryUrl: parent.url,
      file: found?.path,
      stats: found?.stats,
      name,
      pathInfo: isFile ? rest : `/${name}${rest}`,
      hasSlash: false,
      outside: isFile ? found.outside : parent.outside,
      source: isFile && (found.isHandler === true || nameClass(name, accessFileNames) === 'source'),
    }
  }

  return {
    locate,
    forget(path) {
      const below = (directory: Directory): boolean => directory.path === path || directory.path.startsWith(`${path}/`)
      for (const [url, directory] of directories)
        if (below(directory) || directory.path === dirname(path)) directories.delete(url)
    },
  }
}

const topOf = (root: Root): Directory => ({ root, path: root.path, url: root.url, outside: undefined, checkedAt: 0 })

const directoryLocation = (
  path: string,
  query: string | undefined,
  directory: Directory,
  hasSlash: boolean,
): Location => ({
  root: directory.root,
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
