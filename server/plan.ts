import type { Directives, HandlerRef, Merged, Origin, Problem, UnknownLine } from '../directives/index.ts'
import { type DirectoryHandler, directoryHandler } from './directory-handler.ts'
import type { PhaseName } from './phase.ts'
import { phases } from './phases.ts'
import type { Site } from './site.ts'

/**
 * A directory's configuration, made ready once for all its requests: what has nothing to do costs nothing (HOUSE 10).
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
    problems: [...merged.problems, ...unknownNames(merged), ...memoryOfSeveral(site, merged), ...prefixRules(merged)],
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
  if (known !== undefined && !site.development && now - known.at < 1000) return known.handler
  const handler = directoryHandler(plan.merged)
  checkedHandlers.set(plan, { at: now, handler })
  return handler
}

/** A name that the table does not have is an error, unless some line of the chain made it a service id (DESIGN 7, forced ids). */
function unknownNames(merged: Merged): Problem[] {
  if (merged.unknown.length === 0) return []
  const serviceIds = (merged.origins.get('PSOServiceId') ?? []).map(({ value }) => unquoted(value).toLowerCase())
  const isForced = ({ name }: UnknownLine): boolean => serviceIds.includes(name.toLowerCase())
  return merged.unknown.flatMap(line => {
    if (!isForced(line)) return [line.problem]
    if (/^[A-Za-z0-9_-]{1,128}$/.test(line.value)) return []
    const message = `expected a session id of 1 to 128 letters, digits, _ or -, got ${JSON.stringify(line.value)}`
    return [{ code: 'bad-value', severity: 'error', at: line.at, name: line.name, message } as const]
  })
}

const unquoted = (text: string): string => text.replace(/^(["'])(.*)\1$/, '$2')

/** `memory:` lives in one process: with several, two requests of a visitor would meet different sessions. */
function memoryOfSeveral({ workers }: Pick<Site, 'workers'>, merged: Merged): Problem[] {
  if (workers === 1 || merged.directives.PSOSessionLoader.type !== 'memory') return []
  return atLastOrigin(
    merged,
    'PSOSessionLoader',
    `expected file: with ${workers} workers, got memory:`,
    'or Workers = 1',
  )
}

/** What a browser asks of cookies with these prefixes (RFC 6265bis 4.1.3); `Secure` follows by itself in session-options.ts. */
function prefixRules(merged: Merged): Problem[] {
  const { PSOServiceId: name, PSOCookieSession_Domain: domain, PSOCookieSession_Path: path } = merged.directives
  const secure = merged.directives.PSOCookieSession_Secure
  if (name === undefined) return []
  if (/^__(host|secure)-/i.test(name) && secure === false)
    return atLastOrigin(merged, 'PSOCookieSession_Secure', `expected on with the service id ${name}, got off`)
  if (!/^__host-/i.test(name)) return []
  if (domain !== undefined)
    return atLastOrigin(
      merged,
      'PSOCookieSession_Domain',
      `expected no Domain with the service id ${name}, got ${domain}`,
    )
  if (path !== undefined && path !== '/')
    return atLastOrigin(merged, 'PSOCookieSession_Path', `expected / with the service id ${name}, got ${path}`)
  return []
}

function atLastOrigin(merged: Merged, name: keyof Directives, message: string, hint?: string): Problem[] {
  const last: Origin | undefined = merged.origins.get(name)?.at(-1)
  if (last === undefined) return []
  return [{ code: 'bad-value', severity: 'error', at: last.at, name, message, ...(hint === undefined ? {} : { hint }) }]
}
