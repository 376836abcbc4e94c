import { nearestName } from '../directives/index.ts'
import type { Request } from './api/request.ts'
import type { FunctionRef, OwnFunction } from './modules/load-function.ts'
import type { PhaseName } from './phase.ts'
import { phases } from './phases.ts'
import type { RequestState } from './request-state.ts'

/** What `req.addHandler` added to the phases of one request, in order; each is taken once. */
export type AddedFunctions = Map<PhaseName, (FunctionRef | OwnFunction)[]>

/** Per request: a function that adds itself again each time would never let another request have its turn. */
const MOST = 1000

/** Counts a function or cleanup that a request adds for later; an Error when there is no end of them. */
export function countAdded(state: RequestState, what: string): void {
  if (++state.addedCount > MOST) throw new Error(`${what} without end: ${MOST} for one request`)
}

/**
 * Adds a function to the end of a phase that is running or still to come; if it is over, that is logged and nothing is added (mod_python).
 * `handler`: a function, or `module::function` as a directive writes it, seen from where the function that adds it was named.
 */
export function addFunction(
  state: RequestState,
  phase: PhaseName,
  handler: ((request: Request) => unknown) | string,
): void {
  const wanted = phases.findIndex(({ name }) => name === phase)
  if (wanted === -1) throw new TypeError(unknownPhase(String(phase)))
  const added = functionOf(state, phase, handler)
  if (wanted < phases.findIndex(({ name }) => name === state.phase)) {
    state.site.errorLog.write(
      'debug',
      `${state.running} adds a handler to ${phase} in ${state.phase}: it is over`,
      state,
    )
    return
  }
  countAdded(state, `${state.running} adds handlers`)
  state.added ??= new Map()
  const before = state.added.get(phase)
  if (before === undefined) state.added.set(phase, [added])
  else before.push(added)
}

/** The next function that was added to a phase, taken out; undefined where there is none. */
export const takeAdded = ({ added }: RequestState, phase: PhaseName): FunctionRef | OwnFunction | undefined =>
  added?.get(phase)?.shift()

export const hasAdded = ({ added }: RequestState, phase: PhaseName): boolean => (added?.get(phase)?.length ?? 0) > 0

function functionOf(
  { base, running = '' }: RequestState,
  phase: PhaseName,
  handler: ((request: Request) => unknown) | string,
): FunctionRef | OwnFunction {
  if (typeof handler === 'function')
    return {
      name: `${running.replace(/ > .*/s, '')} > ${handler.name || 'a function'} added to ${phase}`,
      base,
      run: handler,
    }
  if (typeof handler !== 'string' || !/^[^:\0]+(::[^:\0]+)?$/.test(handler))
    throw new TypeError(
      `expected a function or MODULE[::FUNCTION] to add to ${phase}, got ${typeof handler === 'string' ? `"${handler}"` : typeof handler}`,
    )
  const [module, wanted] = handler.split('::') as [string, string?]
  return { module, base, ...(wanted === undefined ? {} : { function: wanted }) }
}

function unknownPhase(phase: string): string {
  const names = phases.map(({ name }) => name)
  const near = nearestName(phase.replace(/^(PSO|Python)/, '').replace(/Handler$/, ''), names)
  return `expected a phase (${names.join(', ')}), got ${phase}${near === undefined ? '' : ` (did you mean ${near}?)`}`
}
