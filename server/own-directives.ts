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

/**
 * The configuration with the names that pso does not know judged by what the classes of the chain's modules declare (DESIGN 7, `static
 * directives`). The modules are loaded only where there are such names; at once where they are loaded and fresh. Throws a HandlerError
 * for a module that does not load, and for a declaration that is wrong.
 */
export function judgeUnknown(site: Loading, merged: Merged): Awaitable<Merged> {
  if (!hasUnknownNames(merged)) return merged
  const refs = modulesOf(merged)
  const loaded = refs.map(({ base, module }) => site.modules.load(base, module))
  return loaded.some(module => module instanceof Promise)
    ? Promise.all(loaded).then(modules => judged(site, merged, refs, modules))
    : judged(site, merged, refs, loaded as HandlerModule[])
}

const known = new WeakMap<Merged, { readonly modules: readonly HandlerModule[]; readonly judged: Merged }>()

/** The same object as long as no module has been loaded anew, so that its plan stands too. */
function judged(
  { config }: Loading,
  merged: Merged,
  refs: readonly ModuleRef[],
  modules: readonly HandlerModule[],
): Merged {
  const before = known.get(merged)
  if (before?.modules.length === modules.length && modules.every((module, at) => module === before.modules[at]))
    return before.judged
  const made = withOwnDirectives(merged, declaredIn(refs, modules, merged, config), config)
  known.set(merged, { modules, judged: made })
  return made
}

/** What the classes of a configuration's modules declare; for `pso directives`. */
export async function declaredDirectives({ config, modules }: Loading, merged: Merged): Promise<OwnDirective[]> {
  const refs = modulesOf(merged)
  const loaded = await Promise.all(refs.map(({ base, module }) => modules.load(base, module)))
  return declaredIn(refs, loaded, merged, config)
}

/** Those that lines name, and the `handler.ts` that no line need name. */
function modulesOf(merged: Merged): ModuleRef[] {
  const named = modulesNamed(merged)
  const handlers = directoryHandler(merged)?.handlers ?? []
  const isNamed = ({ base, module }: ModuleRef): boolean =>
    module === 'pso' || named.some(ref => ref.base === base && ref.module === module)
  return [...named, ...handlers.filter(ref => !isNamed(ref))]
}

function declaredIn(
  refs: readonly ModuleRef[],
  modules: readonly HandlerModule[],
  merged: Merged,
  config: ServerConfig,
): OwnDirective[] {
  const context = valueContext(merged, config)
  const found = modules.flatMap((module, at) => {
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
