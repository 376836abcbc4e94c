import { lstatSync, type Stats, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { chainOf } from './chain.ts'
import type { Block, Layer } from './layer.ts'
import { inEffect, type Settings, withBlock } from './merge.ts'
import type { Level, Merged } from './merged.ts'
import { parseFile } from './parse-file.ts'
import type { Problem } from './problem.ts'
import { readText } from './read-text.ts'
import { type ServerConfig, serviceIdsOf, unreadableProblem } from './server-config.ts'
import { table } from './table.ts'

/** The configuration of every directory, read when it is asked for and kept until it changes. */
export interface ConfigStore {
  /**
   * `directory`: an existing directory at or below the document root. `name`: what [Files] matches, undefined for the directory
   * itself. `path`: the decoded URL path that [Location] matches. The same object comes back as long as nothing has changed.
   */
  configOf(target: Target): Merged
  /** For `pso check`: the configuration of a directory without sections, and with each section that it holds. */
  variantsOf(directory: string): Merged[]
  /** All that is wrong with a directory's own access file, warnings too. */
  problemsOf(directory: string): readonly Problem[]
  /** After a watcher's event: `file` is looked at anew by the next request. */
  forget(file: string): void
  /** Every file is looked at anew by the next request. */
  forgetAll(): void
}

export interface Target {
  readonly directory: string
  readonly name: string | undefined
  readonly path: string
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
const MAX_PER_DIRECTORY = 100

export function createConfigStore(server: ServerConfig, { now, recheckMs, warn }: StoreOptions): ConfigStore {
  const { documentRoot } = server
  const accessFileNames = new Set(server.directives.AccessFileName)
  const above = aboveRoot(server)
  const directories = new Map<string, Directory>()
  // raised by forget: what was looked at before does not count
  let epoch = 0

  function directoryOf(path: string): Directory {
    const known = directories.get(path)
    if (known !== undefined) return known
    let directory: Directory | undefined
    for (const step of chainOf(documentRoot, path)) {
      const parent: Directory | undefined = directory
      directory = directories.get(step)
      if (directory === undefined)
        directories.set(
          step,
          (directory = { path: step, parent, checkedAt: 0, ownCheckedAt: 0, epoch: -1, ownEpoch: -1 }),
        )
    }
    return directory!
  }

  /** Looks at the files of the chain that have not been looked at lately; a chain that is fresh costs one comparison. */
  function refreshed(directory: Directory, time: number): Chain {
    const isFresh = (since: number): boolean => time >= since && time - since < recheckMs
    if (directory.chain !== undefined && directory.epoch === epoch && isFresh(directory.checkedAt))
      return directory.chain
    const parent = directory.parent === undefined ? above : refreshed(directory.parent, time)
    if (directory.parentChain !== parent) {
      directory.parentChain = parent
      directory.start = startOf(server, parent, directory.path)
      delete directory.chain
    }
    if (directory.ownEpoch !== epoch || !isFresh(directory.ownCheckedAt)) {
      const before = directory.access
      directory.access = lookAt(server, directory.path, directory.start!.allows, before)
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
    forgetAll() {
      epoch++
    },
  }
}

const isWarning = ({ severity }: Problem): boolean => severity === 'warning'

/** A directory and its own access file; its chain hangs on its parent's. */
interface Directory {
  readonly path: string
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

/** What the plain lines from the root down to a directory add up to, and the sections that may come on top. */
interface Chain {
  readonly settings: Settings
  /** [Files] and [FilesMatch], then [Location], in the order in which they count. */
  readonly sections: readonly PlacedBlock[]
  readonly allows: ReadonlySet<string>
  readonly levels: readonly Level[]
  readonly problems: readonly Problem[]
  /** Every PSOServiceId of the chain, in lower case, also of sections that do not match. */
  readonly serviceIds: ReadonlySet<string>
  /** By the sections that match. */
  readonly merged: Map<string, Merged>
}

interface PlacedBlock {
  readonly block: Block
  readonly directory: string
}

/** The oldest goes when there are too many; children that live on keep what they need of it. */
function keep(directories: Map<string, Directory>, directory: Directory): void {
  directories.delete(directory.path)
  directories.set(directory.path, directory)
  if (directories.size > MAX_DIRECTORIES) directories.delete(directories.keys().next().value!)
}

/** server.ini's own lines, and its [Directory] sections for what is above the document root. */
function aboveRoot(server: ServerConfig): Chain {
  const { documentRoot } = server
  const { layer, plain } = server.server
  const outside = layer.blocks.filter(({ sections }) => sections.length > 0 && sections[0]!.name !== 'Directory')
  const isLocation = ({ sections }: Block): boolean => sections[0]!.name === 'Location'
  const ordered = [...outside.filter(block => !isLocation(block)), ...outside.filter(isLocation)]
  const start: Chain = {
    settings: plain,
    sections: ordered.map(block => ({ block, directory: documentRoot })),
    allows: allowsOf(plain),
    levels: [],
    problems: [],
    serviceIds: new Set(layer.blocks.flatMap(serviceIdsOf)),
    merged: new Map(),
  }
  const parents = chainOf('/', documentRoot).slice(0, -1)
  return parents.reduce((chain, path) => withDirectorySections(server, chain, path, documentRoot), start)
}

/** A parent's chain with server.ini's [Directory] sections for `path`, and the level for its own file. */
function startOf(server: ServerConfig, parent: Chain, path: string): Chain {
  const chain = withDirectorySections(server, parent, path, path)
  const level: Level = { directory: path, allows: chain.allows }
  return { ...chain, levels: [...parent.levels, level], merged: new Map() }
}

function withDirectorySections(server: ServerConfig, chain: Chain, path: string, directory: string): Chain {
  const matching = server.server.layer.blocks.filter(
    ({ sections: [outer] }) => outer?.name === 'Directory' && outer.matches(path),
  )
  if (matching.length === 0) return chain
  const settings = matching
    .filter(({ sections }) => sections.length === 1)
    .reduce((settings, block) => withBlock(settings, block, directory), chain.settings)
  const files = matching.filter(({ sections }) => sections.length > 1).map(block => ({ block, directory }))
  return { ...chain, settings, sections: withFiles(chain.sections, files), allows: allowsOf(settings) }
}

/** [Location] counts after the [Files] of all directories. */
const withFiles = (sections: readonly PlacedBlock[], files: readonly PlacedBlock[]): PlacedBlock[] => {
  const isLocation = ({ block }: PlacedBlock): boolean => block.sections[0]!.name === 'Location'
  return [...sections.filter(placed => !isLocation(placed)), ...files, ...sections.filter(isLocation)]
}

const allowsOf = ({ values }: Settings): ReadonlySet<string> =>
  (values.get('AllowOverride') as ReadonlySet<string> | undefined) ?? table.AllowOverride.default

function chainWith(start: Chain, access: AccessFile | undefined): Chain {
  if (access === undefined) return start
  const { layer } = access
  const { directory, allows } = start.levels.at(-1)!
  const [plain, ...sections] = layer.blocks
  return {
    ...start,
    settings: plain === undefined ? start.settings : withBlock(start.settings, plain, directory),
    sections: withFiles(
      start.sections,
      sections.map(block => ({ block, directory })),
    ),
    levels: [...start.levels.slice(0, -1), { directory, accessFile: layer.file, allows }],
    problems: [...start.problems, ...layer.problems.filter(({ severity }) => severity === 'error')],
    serviceIds: new Set([...start.serviceIds, ...layer.blocks.flatMap(serviceIdsOf)]),
    merged: new Map(),
  }
}

function mergedFor(chain: Chain, { name, path }: Target): Merged {
  const { sections, merged } = chain
  const key = sections.map(({ block }) => (matches(block, name, path) ? '1' : '0')).join('')
  let found = merged.get(key)
  if (found !== undefined) return found
  if (merged.size >= MAX_PER_DIRECTORY) merged.delete(merged.keys().next().value!)
  const matching = sections.filter((_, index) => key[index] === '1')
  merged.set(key, (found = mergeSections(chain, matching)))
  return found
}

/** Whether the directory matches is settled already. */
const matches = ({ sections }: Block, name: string | undefined, path: string): boolean =>
  sections.every(section => {
    if (section.name === 'Directory') return true
    const subject = section.name === 'Location' ? path : name
    return subject !== undefined && section.matches(subject)
  })

function mergeSections(chain: Chain, matching: readonly PlacedBlock[]): Merged {
  const settings = matching.reduce((sum, { block, directory }) => withBlock(sum, block, directory), chain.settings)
  const { directives, origins } = inEffect(settings)
  const passed = chain.sections.filter(placed => !matching.includes(placed)).flatMap(({ block }) => block.unknown)
  // a name that is the service id of other files only forces nothing here, and is no mistake either
  const isElsewhere = (name: string): boolean =>
    chain.serviceIds.has(name.toLowerCase()) && directives.PSOServiceId?.toLowerCase() !== name.toLowerCase()
  return {
    directives,
    origins,
    unknown: settings.unknown.filter(({ name }) => !isElsewhere(name)),
    levels: chain.levels,
    problems: [
      ...chain.problems,
      ...passed.filter(({ name }) => !chain.serviceIds.has(name.toLowerCase())).map(({ problem }) => problem),
    ],
  }
}

interface AccessFile {
  /** What the file looked like when it was read; '' if it may have changed since without a trace. */
  readonly stamp: string
  readonly text: string
  readonly layer: Layer
}

/** Reads the access file of a directory again if it has changed; the same layer stays if its text has not. */
function lookAt(
  server: ServerConfig,
  directory: string,
  allows: ReadonlySet<string>,
  before: AccessFile | undefined,
): AccessFile | undefined {
  if (allows.size === 0) return undefined
  for (const name of server.directives.AccessFileName) {
    const file = join(directory, name)
    const stamp = stampOf(file)
    if (stamp === undefined) continue
    if (before?.layer.file === file && before.stamp === stamp && stamp !== '') return before
    return read(server, file, stamp, allows, before)
  }
  return undefined
}

function read(
  server: ServerConfig,
  file: string,
  stamp: string,
  allows: ReadonlySet<string>,
  before: AccessFile | undefined,
): AccessFile {
  const found = readText(file, server.documentRoot)
  const text = typeof found === 'string' ? found : `\0${found.message}`
  if (before !== undefined && before.layer.file === file && before.text === text) return { ...before, stamp }
  const layer: Layer =
    typeof found === 'string'
      ? parseFile(server.server.sourceOf(file, found, allows))
      : { file, blocks: [], problems: [unreadableProblem(file, found)] }
  return { stamp, text, layer }
}

/** A file system's clock may stand still for so long: what was written within it of a reading may not show in the times. */
const UNSETTLED_MS = 50

/** Undefined where there is nothing; a dangling link is something. Costs 1 us. */
function stampOf(file: string): string | undefined {
  try {
    const own = lstatSync(file, { throwIfNoEntry: false })
    if (own === undefined) return undefined
    const target = own.isSymbolicLink() ? statSync(file, { throwIfNoEntry: false }) : own
    return target === undefined || isUnsettled(own) || isUnsettled(target) ? '' : `${stampIn(own)} ${stampIn(target)}`
  } catch {
    return ''
  }
}

const stampIn = ({ ino, size, mtimeMs, ctimeMs }: Stats): string => `${ino} ${size} ${mtimeMs} ${ctimeMs}`

const isUnsettled = ({ ctimeMs }: Stats): boolean => Math.abs(Date.now() - ctimeMs) < UNSETTLED_MS
