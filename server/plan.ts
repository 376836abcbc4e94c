import { type Directives, type HandlerRef, type Merged, type Problem, wholeProblems } from '../directives/index.ts'
import { type DirectoryHandler, directoryHandler } from './directory-handler.ts'
import type { PhaseName } from './phase.ts'
import { phases } from './phases.ts'
import type { Site } from './site.ts'

/**
 * A directory's configuration, made ready once for all its requests: what has nothing to do costs nothing.
 * Valid as long as the Merged it was made from.
 */
export interface Plan {
  readonly merged: Merged
  readonly directives: Directives
  /** Errors of the chain's files, and those that only the whole configuration shows: any one closes the directory with 500. */
  readonly problems: readonly Problem[]
  /** The functions to call in each phase; Content's are those of `handler`. */
  readonly phases: Readonly<Record<PhaseName, readonly HandlerRef[]>>
  /** True where a line names fixup functions: the default has nothing to do for a file. */
  readonly ownFixup: boolean
  /** True where a line names log functions: the default lets go of what the end of the request lets go of anyway. */
  readonly ownLog: boolean
  /** The id that a directive named like the service forces, by that name in lower case. */
  readonly forcedIds: ReadonlyMap<string, string>
}

const plans = new WeakMap<Merged, Plan>()

/** The plan of a configuration, made once. */
export function planOf(site: Pick<Site, 'workers'>, merged: Merged): Plan {
  let plan = plans.get(merged)
  if (plan === undefined) {
    plan = makePlan(site, merged)
    plans.set(merged, plan)
  }
  return plan
}

function makePlan(site: Pick<Site, 'workers'>, merged: Merged): Plan {
  const { directives } = merged
  const lists = phases.map(({ name, directive }) => [name, directives[directive] ?? []])
  return {
    merged,
    directives,
    problems: wholeProblems(merged, site.workers),
    phases: Object.fromEntries(lists) as Plan['phases'],
    ownFixup: merged.origins.has('PSOFixupHandler'),
    ownLog: merged.origins.has('PSOLogHandler'),
    forcedIds: new Map(merged.unknown.map(({ name, value }) => [name.toLowerCase(), value])),
  }
}

const checkedHandlers = new WeakMap<Plan, { at: number; handler: DirectoryHandler | undefined }>()

/** The handler of the plan's directory, own or inherited; a `handler.ts` beside a .psoaccess may come and go, so it is looked for again. */
export function handlerOf(site: Site, plan: Plan): DirectoryHandler | undefined {
  const known = checkedHandlers.get(plan)
  const now = site.now()
  if (known !== undefined && now >= known.at && now - known.at < site.recheckMs) return known.handler
  const handler = directoryHandler(plan.merged)
  checkedHandlers.set(plan, { at: now, handler })
  return handler
}
