import { isForcedId } from './forced-id.ts'
import type { ModuleRef, ValueContext } from './kind.ts'
import type { LineOrigin } from './layer.ts'
import type { Merged, UnknownLine } from './merged.ts'
import { nearestName } from './nearest-name.ts'
import type { OwnDirective } from './own-directive.ts'
import type { Problem } from './problem.ts'
import type { ServerConfig } from './server-config.ts'
import { directiveNames } from './table.ts'

/** A class's directive that a line of the chain sets. */
export interface OwnSetting {
  readonly directive: OwnDirective
  /** Undefined after `Name =`: the default. */
  readonly value: unknown
  /** Every line, the last one in effect. */
  readonly lines: readonly LineOrigin[]
}

/** The users' modules that any line of the chain names, even one that another line overrides: what they declare is known all the same. */
export function modulesNamed({ origins }: Merged): ModuleRef[] {
  const named = [...origins.values()].flatMap(lines => lines.flatMap(({ modules = [] }) => modules))
  const users = named.filter(({ module }) => module !== 'pso')
  return [...new Map(users.map(ref => [`${ref.base}\0${ref.module}`, ref])).values()]
}

/** True where a name is none of pso's directives: only the chain's modules can say whether it is one of theirs. */
export const hasUnknownNames = (merged: Merged): boolean =>
  (merged.unknown.length > 0 && merged.unknown.some(line => !isForcedId(line, merged))) ||
  merged.problems.some(isUnknownName)

const isUnknownName = ({ code, name }: Problem): boolean => code === 'unknown-directive' && name !== undefined

/** The configuration with its unknown lines judged by what classes of its modules declare. */
export function withOwnDirectives(merged: Merged, declared: readonly OwnDirective[], server: ServerConfig): Merged {
  if (declared.length === 0) return merged
  const byName = new Map(declared.map(directive => [directive.name.toLowerCase(), directive]))
  const isOwn = ({ name }: { readonly name?: string }): boolean => byName.has(name?.toLowerCase() ?? '')
  const problems: Problem[] = []
  const own = new Map<OwnDirective, OwnSetting>()
  for (const line of merged.unknown) {
    const directive = byName.get(line.name.toLowerCase())
    if (directive === undefined || isForcedId(line, merged)) continue
    const read = readLine(directive, line, valueContext(merged, server))
    if ('problem' in read) problems.push(read.problem)
    else own.set(directive, { directive, value: read.value, lines: [...(own.get(directive)?.lines ?? []), read.line] })
  }
  const hinted = hintsOf(declared)
  return {
    ...merged,
    own: [...own.values()],
    unknown: merged.unknown
      .filter(line => !isOwn(line) || isForcedId(line, merged))
      .map(line => ({ ...line, problem: hinted(line.problem) })),
    problems: [
      ...merged.problems.filter(problem => !(isUnknownName(problem) && isOwn(problem))).map(hinted),
      ...problems,
    ],
  }
}

type Read = { readonly value: unknown; readonly line: LineOrigin } | { readonly problem: Problem }

function readLine({ name, kind }: OwnDirective, { at, words, section }: UnknownLine, context: ValueContext): Read {
  const place = { at, ...(section === undefined ? {} : { section }) }
  if (words.length === 0) return { value: undefined, line: { ...place, value: '', reset: true } }
  try {
    const value = kind.parse(words, { ...context, at })
    return { value, line: { ...place, value: kind.show(value), reset: false } }
  } catch (error) {
    return { problem: { code: 'bad-value', severity: 'error', at, name, message: (error as Error).message } }
  }
}

/** A name that is still unknown may be a slip of one that a class declares. */
function hintsOf(declared: readonly OwnDirective[]): (problem: Problem) => Problem {
  const names = [...declared.map(({ name }) => name), ...directiveNames]
  return problem => {
    if (!isUnknownName(problem)) return problem
    const nearest = nearestName(problem.name!, names)
    return nearest === undefined ? problem : { ...problem, hint: `did you mean ${nearest}?` }
  }
}

/** The values of what a class declares, by name: of the lines in effect, else the defaults. */
export function ownValues(
  merged: Merged,
  declared: readonly OwnDirective[],
  server: ServerConfig,
): Readonly<Record<string, unknown>> {
  const set = new Map(merged.own?.map(({ directive, value }) => [directive.name.toLowerCase(), value]))
  const context = valueContext(merged, server)
  const values = declared.map(({ name, kind, defaultWord }) => {
    const value = set.get(name.toLowerCase())
    return [name, value ?? (defaultWord === undefined ? undefined : kind.parse([defaultWord], context))]
  })
  return Object.freeze(Object.fromEntries(values))
}

/** The context of values that are in no line of a file: they are read as if the directory itself said them. */
export function valueContext({ levels }: Merged, server: ServerConfig): ValueContext {
  const directory = levels.at(-1)?.directory ?? server.documentRoot
  const { context } = server.server.sourceOf(directory, '', new Set())
  return { ...context, base: directory, at: { file: directory, line: 1 } }
}
