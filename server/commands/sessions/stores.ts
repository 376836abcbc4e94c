import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  formatProblem,
  hidePasswords,
  type LoaderModule,
  type Merged,
  type ServerConfig,
  serverVariants,
  table,
  variantsBelow,
  wholeProblems,
} from '../../../directives/index.ts'
import {
  type Awaitable,
  type LoaderSpec,
  openLoader,
  type SessionLoader,
  type StoredSession,
} from '../../../session/index.ts'
import { loaderFor } from '../../loader-for.ts'
import { loaderSpecOf } from '../../loader-spec-of.ts'
import type { HandlerModules } from '../../modules/load-handler.ts'
import { loadLoaderClass } from '../../modules/load-loader-class.ts'
import { type ConfigArguments, configSource, readConfig } from '../../process/server-ini.ts'
import { commandModules, judgedOrProblem } from '../own-directives.ts'
import { UsageError } from '../usage-error.ts'

export interface StoreArguments extends ConfigArguments {
  /** A store that no directive names, or one of several. */
  readonly loader?: string
}

/** Where sessions are kept, and its name for people. */
export interface Store {
  readonly name: string
  /** Undefined: a class of a module keeps them. */
  readonly spec: LoaderSpec | undefined
  open(): Awaitable<SessionLoader>
}

/** The stores that a command works on, and what it could not do. */
export interface Stores {
  readonly all: readonly Store[]
  /** Does it with each store there is; one that fails is said on standard error, and the others go on. */
  each(run: (loader: SessionLoader, store: Store) => Promise<void>): Promise<void>
  /** Says on standard error what went wrong. */
  complain(message: string): void
  /** 1 after a complaint, else 0. */
  exitCode(): number
}

/**
 * The stores of `--loader`, else of server.ini, its sections and every access file below the document root, each once. What is wrong
 * with those files is a complaint: a directory that is closed by a mistake may have its sessions elsewhere. Throws a ConfigError, or a
 * UsageError for a loader that is none.
 */
export async function storesOf(options: StoreArguments): Promise<Stores> {
  let exitCode = 0
  const complain = (message: string): void => {
    console.error(hidePasswords(message))
    exitCode = 1
  }
  const all = options.loader === undefined ? await configured(options, complain) : [storeOf(specOf(options.loader))]
  return {
    all,
    async each(run) {
      for (const store of all) {
        try {
          if (isThere(store.spec)) await run(await store.open(), store)
          else if (options.loader !== undefined) throw new Error('there is no such file or directory')
        } catch (error) {
          complain(`${store.name.replace(/:$/, '')}: ${(error as Error).message}`)
        }
      }
    },
    complain,
    exitCode: () => exitCode,
  }
}

/** All that is stored, or what has keys that begin with `keyPrefix`; throws where the sessions of this loader cannot be listed. */
export function listOf(loader: SessionLoader, { spec }: Store, keyPrefix?: string): AsyncIterable<StoredSession> {
  if (spec?.type === 'memory') throw elsewhere()
  if (loader.list === undefined) throw new Error('its loader has no list, and so its sessions cannot be listed')
  return loader.list(keyPrefix)
}

/** Of `memory:`, which another process than the server cannot reach. */
export const elsewhere = (): Error => new Error("its sessions live in the server's process, where no other sees them")

/** Throws where the files are another user's: what root makes beside them, locks above all, would shut out that user's server. */
export function refuseForeign({ spec }: Store): void {
  if (spec?.type !== 'file') return
  const { uid } = statSync(spec.directory)
  if (uid !== process.getuid?.()) throw new Error(`it belongs to user ${uid}: run this command as that user`)
}

async function configured(options: StoreArguments, complain: (message: string) => void): Promise<Store[]> {
  const config = readConfig(configSource(options))
  const modules = commandModules()
  const judge = (merged: Merged): Promise<Merged> => judgedOrProblem(config, modules, merged)
  const below: Merged[] = []
  for (const merged of variantsBelow(config).flatMap(({ variants }) => variants)) below.push(await judge(merged))
  const mistakes = below.flatMap(merged => wholeProblems(merged, 1)).filter(({ severity }) => severity === 'error')
  new Set(mistakes.map(formatProblem)).forEach(complain)
  const stores = [...serverVariants(config), ...below].map(merged => {
    const spec = loaderSpecOf(config, merged.directives)
    return spec === undefined ? storeOfClass(config, modules, merged) : storeOf(spec)
  })
  return [...new Map(stores.map(store => [JSON.stringify(store), store])).values()]
}

const kind = table.PSOSessionLoader.kind

const storeOf = (spec: LoaderSpec): Store => ({
  spec,
  name: spec.type === 'file' ? `file:${spec.directory}` : kind.show(spec),
  open: () => openLoader(spec),
})

function storeOfClass(config: ServerConfig, modules: HandlerModules, merged: Merged): Store {
  const { directives } = merged
  const choice = directives.PSOSessionLoader as LoaderModule
  return {
    spec: undefined,
    name: resolve(choice.base, kind.show(choice)),
    open: async () => loaderFor(config, merged, directives, await loadLoaderClass({ modules }, choice)),
  }
}

/** As PSOSessionLoader has it, and `file:DIRECTORY`; paths are relative to where the command is run. */
function specOf(text: string): LoaderSpec {
  const [, type, path] = /^(file|sqlite):(.+)$/s.exec(text) ?? []
  if (path !== undefined)
    return type === 'file' ? { type, directory: resolve(path) } : { type: 'sqlite', path: resolve(path) }
  if (text === 'file:') throw new UsageError('--loader: expected file:DIRECTORY, got "file:"')
  const here = process.cwd()
  try {
    const at = { file: '(command line)', line: 1 }
    const choice = kind.parse([text], { at, base: here, stateDirectory: here, documentRoot: here, environment: {} })
    return choice as Exclude<typeof choice, { type: 'file' | 'module' }>
  } catch (error) {
    throw new UsageError(`--loader: ${(error as Error).message}`)
  }
}

/** A list makes nothing: what was never used is no store yet. */
function isThere(spec: LoaderSpec | undefined): boolean {
  const path = spec?.type === 'file' ? spec.directory : spec?.type === 'sqlite' ? spec.path : undefined
  return path === undefined || statSync(path, { throwIfNoEntry: false }) !== undefined
}
