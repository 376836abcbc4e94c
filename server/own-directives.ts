import { resolve } from 'node:path'
import {
  hasUnknownNames,
  type Merged,
  type ModuleRef,
  modulesNamed,
  type OwnDirective,
  ownValues,
  readDeclarations,
  type ServerConfig,
  uniqueDirectives,
  valueContext,
  withOwnDirectives,
} from '../directives/index.ts'
import type { Awaitable } from '../session/index.ts'
import { directoryHandler } from './directory-handler.ts'
import { HandlerError } from './modules/handler-error.ts'
import type { HandlerModule } from './modules/handler-module.ts'
import type { Site } from './site.ts'

type Loading = Pick<Site, 'config' | 'modules'>

/** A configuration whose unknown names have been judged, and what kept its modules from declaring more. */
export interface Judged {
  readonly merged: Merged
  /** A module that does not load, where names are still unknown; a declaration that is wrong. */
  readonly failure: HandlerError | undefined
}

/**
 * The configuration with the names that pso does not know judged by what the classes of the chain's modules declare (DESIGN 7, `static
 * directives`). The modules are loaded only where there are such names; at once where they are loaded and fresh.
 */
export function judgeNames(site: Loading, merged: Merged): Awaitable<Judged> {
  if (!hasUnknownNames(merged)) return { merged, failure: undefined }
  const refs = modulesOf(merged)
  const loaded = refs.map(ref => loadOrError(site, ref))
  return loaded.some(one => one instanceof Promise)
    ? Promise.all(loaded).then(all => judged(site, merged, refs, all))
    : judged(site, merged, refs, loaded as Loaded[])
}

type Loaded = HandlerModule | HandlerError

function loadOrError({ modules }: Loading, { base, module }: ModuleRef): Awaitable<Loaded> {
  try {
    const loaded = modules.load(base, module)
    return loaded instanceof Promise ? loaded.catch(errorOf) : loaded
  } catch (error) {
    return errorOf(error)
  }
}

function errorOf(error: unknown): HandlerError {
  if (error instanceof HandlerError) return error
  throw error
}

const known = new WeakMap<Merged, { readonly loaded: readonly Loaded[]; readonly judged: Judged }>()

/** The same object as long as no module has been loaded anew, so that its plan stands too. */
function judged(site: Loading, merged: Merged, refs: readonly ModuleRef[], loaded: readonly Loaded[]): Judged {
  const before = known.get(merged)
  if (before?.loaded.length === loaded.length && loaded.every((one, at) => one === before.loaded[at]))
    return before.judged
  const made = judge(site, merged, refs, loaded)
  known.set(merged, { loaded, judged: made })
  return made
}

function judge({ config }: Loading, merged: Merged, refs: readonly ModuleRef[], loaded: readonly Loaded[]): Judged {
  try {
    const made = withOwnDirectives(merged, declaredIn(refs, loaded, merged, config), config)
    const failed = loaded.find(one => one instanceof HandlerError)
    // one that does not load may be the one that declares what is still unknown
    return { merged: made, failure: hasUnknownNames(made) ? failed : undefined }
  } catch (error) {
    return { merged, failure: errorOf(error) }
  }
}

/** What the classes of a configuration's modules declare, those that load; for `pso directives`. */
export async function declaredDirectives(site: Loading, merged: Merged): Promise<OwnDirective[]> {
  const refs = modulesOf(merged)
  const loaded = await Promise.all(refs.map(ref => loadOrError(site, ref)))
  return declaredIn(refs, loaded, merged, site.config)
}

/** The modules that lines name, and the `handler.ts` that needs no line. */
function modulesOf(merged: Merged): ModuleRef[] {
  const named = modulesNamed(merged)
  const handlers = directoryHandler(merged)?.handlers ?? []
  const isNamed = ({ base, module }: ModuleRef): boolean =>
    module === 'pso' || named.some(ref => ref.base === base && ref.module === module)
  return [...named, ...handlers.filter(ref => !isNamed(ref))]
}

function declaredIn(
  refs: readonly ModuleRef[],
  loaded: readonly Loaded[],
  merged: Merged,
  config: ServerConfig,
): OwnDirective[] {
  const context = valueContext(merged, config)
  const found = loaded.flatMap((module, at) => {
    if (module instanceof HandlerError) return []
    const { base, module: name } = refs[at]!
    const file = resolve(base, name)
    return withFile(file, () =>
      Object.keys(module).flatMap(exported => {
        const declared = declarationsOf(module[exported])
        return declared === undefined ? [] : readDeclarations(`${file}::${exported}`, declared, context)
      }),
    )
  })
  return withFile(refs.map(({ base, module }) => resolve(base, module)).join(', '), () => uniqueDirectives(found))
}

/** `static directives` of a class, its own or inherited; undefined where a value is no class or declares none. */
function declarationsOf(value: unknown): object | undefined {
  if (typeof value !== 'function' || typeof value.prototype !== 'object') return undefined
  return (value as { directives?: object }).directives
}

function withFile<Value>(file: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new HandlerError('bad-directive', (error as Error).message, { file })
  }
}

const none: Readonly<Record<string, unknown>> = Object.freeze({})
const values = new WeakMap<Merged, WeakMap<object, Readonly<Record<string, unknown>>>>()

/** What `this.directives` of a class holds: the values in effect of what it declares. */
export function directivesFor(
  config: ServerConfig,
  merged: Merged,
  implementation: new () => object,
): Readonly<Record<string, unknown>> {
  const declared = declarationsOf(implementation)
  if (declared === undefined) return none
  let ofMerged = values.get(merged)
  if (ofMerged === undefined) values.set(merged, (ofMerged = new WeakMap()))
  let found = ofMerged.get(implementation)
  if (found === undefined) {
    const { name } = implementation
    const own = withFile(name, () => readDeclarations(name, declared, valueContext(merged, config)))
    ofMerged.set(implementation, (found = ownValues(merged, own, config)))
  }
  return found
}
