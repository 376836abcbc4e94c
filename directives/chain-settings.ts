import type { AccessFile } from './access-file.ts'
import { chainOf } from './chain.ts'
import type { Block } from './layer.ts'
import { inEffect, type Settings, withBlock } from './merge.ts'
import type { Level, Merged } from './merged.ts'
import type { Problem } from './problem.ts'
import { type ServerConfig, serviceIdsOf } from './server-config.ts'
import { table } from './table.ts'

export interface Target {
  readonly directory: string
  readonly name: string | undefined
  readonly path: string
}

/** What the plain lines from the root down to a directory add up to, and the sections that may come on top. */
export interface Chain {
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

const MAX_PER_DIRECTORY = 100

/** server.ini's own lines, and its [Directory] sections for what is above a root: the document root, or a ScriptAlias directory. */
export function aboveRoot(server: ServerConfig, root: string): Chain {
  const { layer, plain } = server.server
  const outside = layer.blocks.filter(({ sections }) => sections.length > 0 && sections[0]!.name !== 'Directory')
  const isLocation = ({ sections }: Block): boolean => sections[0]!.name === 'Location'
  const ordered = [...outside.filter(block => !isLocation(block)), ...outside.filter(isLocation)]
  const start: Chain = {
    settings: plain,
    sections: ordered.map(block => ({ block, directory: root })),
    allows: allowsOf(plain),
    levels: [],
    problems: [],
    serviceIds: new Set(layer.blocks.flatMap(serviceIdsOf)),
    merged: new Map(),
  }
  const parents = chainOf('/', root).slice(0, -1)
  return parents.reduce((chain, path) => withDirectorySections(server, chain, path, root), start)
}

/** A parent's chain with server.ini's [Directory] sections for `path`, and the level for its own file. */
export function startOf(server: ServerConfig, parent: Chain, path: string): Chain {
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

/** The chain with the lines of the directory's own access file, where it has one. */
export function chainWith(start: Chain, access: AccessFile | undefined): Chain {
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

/** The configuration of one target: the chain with the sections that match it. The same object for the same sections. */
export function mergedFor(chain: Chain, { name, path }: Target): Merged {
  const { sections, merged } = chain
  const key =
    sections.length === 0 ? '' : sections.map(({ block }) => (matches(block, name, path) ? '1' : '0')).join('')
  let found = merged.get(key)
  if (found !== undefined) return found
  if (merged.size >= MAX_PER_DIRECTORY) merged.delete(merged.keys().next().value!)
  const matching = sections.filter((_, index) => key[index] === '1')
  merged.set(key, (found = mergeSections(chain, matching)))
  return found
}

/** Whether [Directory] matches has been decided already. */
const matches = ({ sections }: Block, name: string | undefined, path: string): boolean =>
  sections.every(section => {
    if (section.name === 'Directory') return true
    const subject = section.name === 'Location' ? path : name
    return subject !== undefined && section.matches(subject)
  })

/** The configuration of the chain with these sections, and no others. */
export function mergeSections(chain: Chain, matching: readonly PlacedBlock[]): Merged {
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
