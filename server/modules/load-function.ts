import { resolve } from 'node:path'
import type { HandlerRef } from '../../directives/index.ts'
import type { Request } from '../api/request.ts'
import type { Phase } from '../phase.ts'
import * as pso from '../pso.ts'
import type { Site } from '../site.ts'
import { HandlerError } from './handler-error.ts'
import type { HandlerModule } from './handler-module.ts'

/** A function of a handler module, ready to run. */
export interface PhaseFunction {
  /** `FILE::FUNCTION`, for the log. */
  readonly name: string
  run(request: Request): unknown
}

/**
 * The function that `ref` names, from the module as it is now; a promise while the module has to be loaded.
 * Throws a HandlerError when there is no such module or function.
 */
export function loadFunction(site: Site, ref: HandlerRef, phase: Phase): PhaseFunction | Promise<PhaseFunction> {
  if (ref.module === 'pso') return pick(pso as unknown as HandlerModule, 'pso', ref, phase)
  const loaded = site.modules.load(ref.base, ref.module)
  return loaded instanceof Promise ? loaded.then(module => known(module, ref, phase)) : known(loaded, ref, phase)
}

const picked = new WeakMap<HandlerRef, { module: HandlerModule; found: PhaseFunction }>()

/** Found once for each module object: a reload is another one. */
function known(module: HandlerModule, ref: HandlerRef, phase: Phase): PhaseFunction {
  const before = picked.get(ref)
  if (before?.module === module) return before.found
  const found = pick(module, resolve(ref.base, ref.module), ref, phase)
  picked.set(ref, { module, found })
  return found
}

function pick(module: HandlerModule, file: string, ref: HandlerRef, phase: Phase): PhaseFunction {
  const wanted = ref.function ?? phase.defaultFunction
  const found = ref.function === undefined ? unnamed(module, phase) : at(module, ref.function)
  const name = `${file}::${wanted}`
  if (typeof found === 'function') return { name, run: found as (request: Request) => unknown }
  if (typeof found === 'object' && found !== null && typeof (found as { fetch?: unknown }).fetch === 'function')
    throw new HandlerError(
      'not-built',
      `a default export with fetch is not built yet: export function handler (req) in ${file}`,
      {
        phase: phase.name,
        file,
      },
    )
  const exported = Object.keys(module).filter(key => typeof module[key] === 'function')
  throw new HandlerError(
    'function-missing',
    `expected the function ${wanted} in ${file}, it exports ${exported.length === 0 ? 'no function' : exported.join(', ')}`,
    { phase: phase.name, file, at: ref.at },
  )
}

/** The phase's own function; a page may be the default export as well, but what guards a page is never taken for granted. */
const unnamed = (module: HandlerModule, { name, defaultFunction }: Phase): unknown =>
  module[defaultFunction] ?? (name === 'Content' ? module['default'] : undefined)

/** `a.b` is the method b of a; a class met on the way is made with `new`, as mod_python does. */
function at(module: HandlerModule, path: string): unknown {
  let value: unknown = module
  let owner: unknown
  for (const name of path.split('.')) {
    owner = value
    if (typeof owner === 'function' && isClass(owner)) owner = new (owner as new () => object)()
    if (owner === null || owner === undefined) return undefined
    value = (owner as Record<string, unknown>)[name]
  }
  return typeof value === 'function' && path.includes('.') ? value.bind(owner) : value
}

const isClass = (value: object): boolean => /^class\b/.test(Function.prototype.toString.call(value))
