import { basename } from 'node:path'
import { type AccessFile, accessFileOf } from './access-file.ts'
import { chainOf } from './chain.ts'
import { aboveRoot, type Chain, chainWith, mergedFor, mergeSections, startOf, type Target } from './chain-settings.ts'
import type { Merged } from './merged.ts'
import type { Problem } from './problem.ts'
import { isAtOrBelow, rootsOf } from './roots.ts'
import type { ServerConfig } from './server-config.ts'

/** The configuration of every directory, read when it is asked for and kept until it changes. */
export interface ConfigStore {
  /**
   * `directory`: an existing directory at or below the document root or a ScriptAlias directory. `name`: what [Files] matches, undefined
   * for the directory itself. `path`: the decoded URL path that [Location] matches. The same object comes back as long as nothing has
   * changed.
   */
  configOf(target: Target): Merged
  /** For `pso check`: the configuration of a directory without sections, and with each section that it holds. */
  variantsOf(directory: string): Merged[]
  /** All that is wrong with a directory's own access file, warnings too. */
  problemsOf(directory: string): readonly Problem[]
  /** After a watcher's event: `file` is looked at anew by the next request. */
  forget(file: string): void
}

interface StoreOptions {
  /** Milliseconds; need not be the time of day. */
  readonly now: () => number
  /** How long a file that was looked at is trusted; 0: looked at for each request. */
  readonly recheckMs: number
  /** Hears of the warnings of an access file when it has been read: they close nothing. */
  readonly warn?: (problem: Problem) => void
}

const MAX_DIRECTORIES = 10_000

export function createConfigStore(server: ServerConfig, { now, recheckMs, warn }: StoreOptions): ConfigStore {
  // the shortest first: a root within another builds on that one's files, whatever URL it was reached by
  const roots = rootsOf(server).sort((a, b) => a.length - b.length)
  const accessFileNames = new Set(server.directives.AccessFileName)
  const above = new Map(roots.map(root => [root, aboveRoot(server, root)]))
  const directories = new Map<string, Directory>()
  // raised by forget: what was looked at before does not count
  let epoch = 0

  function directoryOf(path: string): Directory {
    const known = directories.get(path)
    if (known !== undefined) return known
    let directory: Directory | undefined
    const root = roots.length === 1 ? roots[0]! : (roots.find(one => isAtOrBelow(path, one)) ?? roots[0]!)
    for (const step of chainOf(root, path)) {
      const parent: Directory | undefined = directory
      directory = directories.get(step)
      if (directory === undefined)
        directories.set(
          step,
          (directory = { path: step, root, parent, checkedAt: 0, ownCheckedAt: 0, epoch: -1, ownEpoch: -1 }),
        )
    }
    return directory!
  }

  /** Looks at the files of the chain that have not been looked at lately; a chain that is fresh costs one comparison. */
  function refreshed(directory: Directory, time: number): Chain {
    const isFresh = (since: number): boolean => time >= since && time - since < recheckMs
    if (directory.chain !== undefined && directory.epoch === epoch && isFresh(directory.checkedAt))
      return directory.chain
    const parent = directory.parent === undefined ? above.get(directory.root)! : refreshed(directory.parent, time)
    if (directory.parentChain !== parent) {
      directory.parentChain = parent
      directory.start = startOf(server, parent, directory.path)
      delete directory.chain
    }
    if (directory.ownEpoch !== epoch || !isFresh(directory.ownCheckedAt)) {
      const before = directory.access
      directory.access = accessFileOf(server, directory, directory.start!.allows, before)
      if (directory.access?.layer !== before?.layer) {
        delete directory.chain
        if (warn !== undefined) directory.access?.layer.problems.filter(isWarning).forEach(warn)
      }
      directory.ownCheckedAt = time
      directory.ownEpoch = epoch
    }
    directory.chain ??= chainWith(directory.start!, directory.access)
    directory.checkedAt = Math.min(directory.ownCheckedAt, directory.parent?.checkedAt ?? time)
    directory.epoch = epoch
    keep(directories, directory)
    return directory.chain
  }

  return {
    configOf: target => mergedFor(refreshed(directoryOf(target.directory), now()), target),
    variantsOf(path) {
      const chain = refreshed(directoryOf(path), now())
      const own = chain.sections.filter(({ directory }) => directory === path)
      return [mergeSections(chain, []), ...own.map(section => mergeSections(chain, [section]))]
    },
    problemsOf(path) {
      const directory = directoryOf(path)
      refreshed(directory, now())
      return directory.access?.layer.problems ?? []
    },
    forget(file) {
      if (accessFileNames.has(basename(file)) || directories.has(file)) epoch++
    },
  }
}

const isWarning = ({ severity }: Problem): boolean => severity === 'warning'

/** A directory and its own access file; its chain hangs on its parent's. */
interface Directory {
  readonly path: string
  readonly root: string
  readonly parent: Directory | undefined
  parentChain?: Chain
  /** Where the directory begins: the parent's chain and server.ini's [Directory] sections. */
  start?: Chain
  /** The access file there; absent where there is none. */
  access?: AccessFile | undefined
  chain?: Chain
  ownCheckedAt: number
  ownEpoch: number
  /** When the file of the chain that was looked at longest ago was. */
  checkedAt: number
  epoch: number
}

/** The oldest goes when there are too many; children that live on keep what they need of it. */
function keep(directories: Map<string, Directory>, directory: Directory): void {
  directories.delete(directory.path)
  directories.set(directory.path, directory)
  if (directories.size > MAX_DIRECTORIES) directories.delete(directories.keys().next().value!)
}
