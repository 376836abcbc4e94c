import { resolve } from 'node:path'
import type { HandlerRef, Position } from '../../directives/index.ts'
import type { Request } from '../api/request.ts'
import { cleanup } from '../handlers/cleanup.ts'
import { fixup } from '../handlers/fixup.ts'
import type { Phase } from '../phase.ts'
import type { Site } from '../site.ts'
import { HandlerError } from './handler-error.ts'
import type { HandlerModule } from './handler-module.ts'

/** A function of a handler module, as a directive names it, or `req.addHandler`. */
export type FunctionRef = Pick<HandlerRef, 'module' | 'base' | 'function'> & { readonly at?: Position }

/** A function of a handler module, ready to run. */
export interface PhaseFunction {
  /** `FILE::FUNCTION`, for the log. */
  readonly name: string
  run(request: Request): unknown
  /** True for a Fetch-style app: a body is its own to read. */
  readonly takesBody?: boolean
}

/** One that needs no module: `req.addHandler` was given it. `base`: where the function that gave it was named. */
export interface OwnFunction extends PhaseFunction {
  readonly base: string
}

/** What a directive may name of the package itself. */
const ofPso: HandlerModule = { fixup, cleanup }

/**
 * The function that `ref` names, from the module as it is now; a promise while the module has to be loaded.
 * Throws a HandlerError when there is no such module or function.
 */
export function loadFunction(site: Site, ref: FunctionRef, phase: Phase): PhaseFunction | Promise<PhaseFunction> {
  if (ref.module === 'pso') return pick(ofPso, 'pso', ref, phase)
  const loaded = site.modules.load(ref.base, ref.module)
  return loaded instanceof Promise ? loaded.then(module => known(module, ref, phase)) : known(loaded, ref, phase)
}

const picked = new WeakMap<FunctionRef, { module: HandlerModule; found: PhaseFunction }>()

/** Found once for each module object: a reload is another one. */
function known(module: HandlerModule, ref: FunctionRef, phase: Phase): PhaseFunction {
  const before = picked.get(ref)
  if (before?.module === module) return before.found
  const found = pick(module, resolve(ref.base, ref.module), ref, phase)
  picked.set(ref, { module, found })
  return found
}

function pick(module: HandlerModule, file: string, ref: FunctionRef, phase: Phase): PhaseFunction {
  const wanted = ref.function ?? phase.defaultFunction
  const found = ref.function === undefined ? unnamed(module, phase) : at(module, ref.function)
  const name = `${file}::${wanted}`
  if (typeof found === 'function') return { name, run: found as (request: Request) => unknown }
  if (ref.function === undefined && isFetchApp(found))
    return { name: `${file}::default.fetch`, takesBody: true, run: req => found.fetch(req.fetch, { req }) }
  const exported = Object.keys(module).filter(key => typeof module[key] === 'function')
  throw new HandlerError(
    'function-missing',
    `expected the function ${wanted} in ${file}, it exports ${exported.length === 0 ? 'no function' : exported.join(', ')}`,
    { phase: phase.name, file, ...(ref.at === undefined ? {} : { at: ref.at }) },
  )
}

/** As Hono is one, or `export default { fetch }`: `env.req` is pso's request, with its session. */
interface FetchApp {
  fetch(request: globalThis.Request, env: { req: Request }): unknown
}

const isFetchApp = (value: unknown): value is FetchApp =>
  typeof value === 'object' && value !== null && typeof (value as { fetch?: unknown }).fetch === 'function'

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
