import { basename, dirname, join, resolve } from 'node:path'
import type { Directives } from '../../directives/index.ts'
import { handlerNameOf } from '../files/handler-name.ts'
import { nameClass, namesBelow } from '../files/hidden-names.ts'
import { realPathIfThere } from '../files/real-path-if-there.ts'
import { isNamedModule } from '../modules/named-modules.ts'
import { judgeNames } from '../own-directives.ts'
import { handlerOf, planOf } from '../plan.ts'
import type { RequestState } from '../request-state.ts'
import { type HeldDirectory, holdDirectory } from './held-directory.ts'

/** Where an upload is saved: the directory is held until who asked lets go of it. */
export interface SaveTarget {
  readonly directory: HeldDirectory
  /** In it. */
  readonly name: string
}

type Refused = (reason: string) => Error

/**
 * Where an upload is saved as `name` in `directory`, which is seen from where the handler was named; an Error that names the reason where it
 * may not be: a name that leaves the directory, one that the web never sees (DESIGN 4), and one whose file would be run.
 */
export async function saveTarget(state: RequestState, name: string, directory: string): Promise<SaveTarget> {
  const refused: Refused = reason => new Error(`an upload may not be saved as ${JSON.stringify(name)}: ${reason}`)
  if (typeof name !== 'string' || name === '') throw refused('expected a file name')
  const names = name.split('/')
  if (/[\0\\]/.test(name) || names.some(part => part === '' || part === '.' || part === '..'))
    throw refused('expected a name within the directory, without NUL, backslash, empty parts, "." or ".."')

  const { site, plan } = state
  const top = resolve(handlerOf(site, plan)?.directory ?? site.config.documentRoot, directory)
  const realTop = realPathIfThere(top) ?? top
  const held = holdDirectory(dirname(join(top, name)))
  if (held === undefined) throw refused(`the directory ${dirname(join(top, name))} is missing`)
  try {
    const between = namesBelow(held.path, realTop)
    if (between === undefined) throw refused(`it would leave ${top} by a symbolic link`)
    await judge(state, [...between, ...names], join(held.path, basename(name)), refused)
    return { directory: held, name: basename(name) }
  } catch (error) {
    held.letGo()
    throw error
  }
}

/** Throws where `target`, whose links are resolved, or one of the `names` that lead there may not be written. */
async function judge(state: RequestState, names: readonly string[], target: string, refused: Refused): Promise<void> {
  const { site, plan } = state
  const { AccessFileName } = site.config.directives
  for (const part of names) {
    const found = nameClass(part, AccessFileName)
    if (found !== 'plain')
      throw refused(`${part} is ${found === 'source' ? 'source code' : 'a name that is never sent'}`)
  }
  for (const programs of site.config.scriptAliases.values())
    if (namesBelow(target, programs) !== undefined) throw refused('all files of its directory are run (ScriptAlias)')
  const there = await directivesAt(state, target)
  if (there === undefined) throw refused('the configuration of its directory has a mistake')
  // what lies there now may be a link to a module
  for (const path of [target, realPathIfThere(target) ?? target])
    if (site.modules.has(path) || isNamedModule(plan.directives, path) || isNamedModule(there, path))
      throw refused('it is a module of a handler')
  const runBy = handlerNameOf(target, there)
  if (runBy !== undefined && runBy !== 'none' && runBy !== 'default-handler')
    throw refused(`its directory has files of that name run, by ${runBy}`)
}

/**
 * The configuration of a file with its links resolved: server.ini's where it is not below the document root, undefined where it has
 * mistakes.
 */
async function directivesAt({ site }: RequestState, target: string): Promise<Directives | undefined> {
  const names = namesBelow(target, site.config.documentRoot)
  if (names === undefined) return site.config.directives
  const path = `/${names.join('/')}`
  const merged = site.store.configOf({ directory: dirname(target), name: basename(target), path })
  const judged = await judgeNames(site, merged)
  return judged.failure === undefined && planOf(site, judged.merged).problems.length === 0
    ? judged.merged.directives
    : undefined
}
