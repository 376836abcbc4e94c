import { basename, dirname, join, resolve } from 'node:path'
import { isForcedId } from './forced-id.ts'
import { isReachable } from './kinds/paths.ts'
import type { Layer } from './layer.ts'
import { inEffect, noSettings, type Settings, withBlock } from './merge.ts'
import type { Merged } from './merged.ts'
import { parseFile } from './parse-file.ts'
import type { Source } from './parsing.ts'
import { DirectivesError, type Problem, uniqueProblems } from './problem.ts'
import { readText, type Unreadable } from './read-text.ts'
import { realPathOf } from './real-path.ts'
import { isDirectory, wrongScriptAliases } from './roots.ts'
import type { Directives } from './table.ts'
import { wholeProblems } from './whole-problems.ts'

/** server.ini, read once; a reload reads another. */
export interface ServerConfig {
  /** Absolute; undefined: built-in defaults. */
  readonly file: string | undefined
  /** What relative paths of the server are relative to: the directory that holds `conf`, else that of the file. */
  readonly serverRoot: string
  /** Links resolved, if it exists. */
  readonly documentRoot: string
  readonly stateDirectory: string
  /** By URL path with its slash: the directory whose files are run there, links resolved (ScriptAlias). */
  readonly scriptAliases: ReadonlyMap<string, string>
  /** The main server's plain lines. */
  readonly directives: Directives
  readonly warnings: readonly Problem[]
  /** What the directory chains start from. */
  readonly server: ServerLayer
}

export interface ServerLayer {
  readonly layer: Layer
  /** The plain lines, those of the command line last. */
  readonly plain: Settings
  /** How an access file with these AllowOverride groups is to be read. */
  readonly sourceOf: (file: string, text: string, allows: ReadonlySet<string>) => Source
}

export interface ServerConfigOptions {
  readonly file?: string
  /** From the command line, by directive; they stand in place of server.ini's. Their paths are relative to `cwd`. */
  readonly overrides?: ReadonlyMap<string, string>
  /** From a program: plain lines after those. */
  readonly lines?: readonly string[]
  /** Variables that count as SetEnv lines before all others: what a web server says to the program it runs. */
  readonly variables?: ReadonlyMap<string, string>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** Throws a DirectivesError with every error of the file. */
export function readServerConfig(options: ServerConfigOptions): ServerConfig {
  const { config, errors } = tryServerConfig(options)
  if (errors.length > 0) throw new DirectivesError(errors)
  return config
}

/** The configuration as far as it can be read, with its errors: `pso check` goes on to the access files. */
export function tryServerConfig(options: ServerConfigOptions): { config: ServerConfig; errors: Problem[] } {
  const { cwd } = options
  // without a prototype: `constructor` is no variable
  const environment: ServerConfigOptions['environment'] = Object.assign(Object.create(null), options.environment)
  const file = options.file === undefined ? undefined : resolve(cwd, options.file)
  const serverRoot = file === undefined ? resolve(cwd) : rootOf(file)
  const text = file === undefined ? '' : readText(file)
  const given = [...(options.variables ?? [])]
  const variables = {
    file: '(environment)',
    text: given.map(([name, value]) => `SetEnv = ${name} ${quoted(value)}`).join('\n'),
    serverRoot: resolve(cwd),
  }
  const commandLine = {
    file: options.lines === undefined ? '(command line)' : '(options)',
    text: [asLines(options.overrides ?? new Map()), ...(options.lines ?? [])].join('\n'),
    serverRoot: resolve(cwd),
  }

  const read = (paths: Paths) => {
    const source: Source = {
      file: file ?? join(serverRoot, 'server.ini'),
      text: typeof text === 'string' ? text : '',
      scope: 'server',
      allows: new Set(),
      serverRoot,
      context: { ...paths, environment },
      realPath: realPathOf,
      readIncluded,
    }
    const layers = [
      parseFile({ ...source, ...variables }),
      parseFile(source),
      parseFile({ ...source, ...commandLine }),
    ] as const
    const plain = layers.reduce(
      (settings, { blocks }) => withBlock(settings, blocks[0]!, paths.documentRoot),
      noSettings,
    )
    return { source, layers, plain, ...inEffect(plain) }
  }
  // the paths that the second reading is checked against are themselves read from the file
  const paths = pathsOf(serverRoot, read(pathsOf(serverRoot, {})).directives)
  const { source, layers, plain, directives, origins } = read(paths)

  const exposed = Object.assign(
    Object.create(null),
    Object.fromEntries(directives.ExposeEnv.map(name => [name, environment[name]])),
  )
  const sourceOf: ServerLayer['sourceOf'] = (file, text, allows) => ({
    ...source,
    file,
    text,
    allows,
    scope: 'directory',
    context: { ...source.context, environment: exposed },
  })
  const problems = layers.flatMap(layer => [...layer.problems, ...unknownNames(layer)])
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (typeof text !== 'string') errors.push(unreadableProblem(file!, text))
  const wrong = (name: 'DocumentRoot' | 'StateDirectory', what: string, got: string): void => {
    const at = origins.get(name)?.at(-1)?.at ?? { file: source.file, line: 1 }
    errors.push({ code: 'bad-value', severity: 'error', at, name, message: `expected ${what}, got "${got}"` })
  }
  // the default has no line to complain about: whoever wants to serve it checks
  if (origins.has('DocumentRoot') && !isDirectory(paths.documentRoot))
    wrong('DocumentRoot', 'a directory', paths.documentRoot)
  if (isReachable(paths.stateDirectory, paths.documentRoot))
    wrong(
      'StateDirectory',
      'a path outside the document root, or one with a component that begins with a dot',
      paths.stateDirectory,
    )
  const scriptAliases = new Map([...directives.ScriptAlias].map(([url, directory]) => [url, realPathOf(directory)]))
  errors.push(...wrongScriptAliases(directives, origins, paths.documentRoot))
  const warnings = problems.filter(({ severity }) => severity === 'warning')
  const server = { layer: layers[1], plain, sourceOf }
  return { config: { file, serverRoot, ...paths, scriptAliases, directives, warnings, server }, errors }
}

/**
 * The problems that only server.ini as a whole shows, its plain lines alone and with those of each section; the errors of single lines are
 * not here. `workers`: how many processes are to serve.
 */
export function serverProblems(config: ServerConfig, workers: number): Problem[] {
  const found = serverVariants(config).map(merged => ({
    ...merged,
    unknown: merged.unknown.filter(line => isForcedId(line, merged)),
  }))
  return uniqueProblems(found.flatMap(merged => wholeProblems(merged, workers)))
}

/** What server.ini says by its plain lines, and by those with each of its sections. */
export const serverVariants = ({ documentRoot, server: { layer, plain } }: ServerConfig): Merged[] =>
  [undefined, ...layer.blocks.slice(1)].map(section => {
    const settings = section === undefined ? plain : withBlock(plain, section, documentRoot)
    return { ...inEffect(settings), unknown: settings.unknown, levels: [], problems: [] }
  })

type Paths = Pick<ServerConfig, 'documentRoot' | 'stateDirectory'> & { readonly accessFileNames: readonly string[] }

const pathsOf = (serverRoot: string, directives: Partial<Directives>): Paths => ({
  documentRoot: realPathOf(directives.DocumentRoot ?? join(serverRoot, 'public_html')),
  stateDirectory: directives.StateDirectory ?? join(serverRoot, '.pso'),
  accessFileNames: directives.AccessFileName ?? ['.psoaccess'],
})

const rootOf = (file: string): string => {
  const directory = dirname(file)
  return basename(directory) === 'conf' ? dirname(directory) : directory
}

/** The shell has split them already: one word each. */
const asLines = (overrides: ReadonlyMap<string, string>): string =>
  [...overrides].map(([name, value]) => `${name} = ${quoted(value)}`).join('\n')

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

function readIncluded(file: string): string {
  const text = readText(file)
  if (typeof text !== 'string') throw new Error(`${file}: ${text.message}`)
  return text
}

/** A line whose name is a service id of the same file forces a session id. */
function unknownNames({ blocks }: Layer): Problem[] {
  const serviceIds = new Set(blocks.flatMap(serviceIdsOf))
  const unknown = blocks.flatMap(block => block.unknown)
  return unknown.filter(({ name }) => !serviceIds.has(name.toLowerCase())).map(({ problem }) => problem)
}

/** In lower case, as directives' names are compared. */
export function serviceIdsOf({ settings, environment }: Layer['blocks'][number]): string[] {
  const lines = [settings.get('PSOServiceId'), ...environment.filter(({ name }) => name === 'PSOServiceId')]
  return lines.flatMap(line => (typeof line?.value === 'string' ? [line.value.toLowerCase()] : []))
}

export const unreadableProblem = (file: string, { code, line, message, cause }: Unreadable): Problem => ({
  code,
  severity: 'error',
  at: { file, line },
  message,
  ...(cause === undefined ? {} : { cause }),
})
