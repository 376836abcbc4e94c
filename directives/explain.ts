import { isForcedId } from './forced-id.ts'
import type { LineOrigin } from './layer.ts'
import type { Merged, Origin } from './merged.ts'
import type { OwnSetting } from './own-directives.ts'
import { showPosition } from './position.ts'
import { formatProblem } from './problem.ts'
import { type DirectiveName, directiveNames, rows } from './table.ts'
import { wholeProblems } from './whole-problems.ts'

/**
 * Each directive that a line of the chain sets: its value, the line that spoke last, and indented the lines before it, `over`
 * for what was replaced, `after` for what the value was made from. In the order of the table; what is wrong stands last.
 * `workers`: how many processes serve.
 */
export function explain(merged: Merged, workers = 1): string[] {
  const lines = directiveNames.flatMap(name => explainOne(merged, name, merged.origins.get(name) ?? []))
  const forced = merged.unknown.filter(line => isForcedId(line, merged))
  return [
    ...lines,
    ...(merged.own ?? []).flatMap(explainOwn),
    ...forced.map(({ name, value, at }) => `${name} = ${value}  ${showPosition(at)}`),
    ...wholeProblems(merged, workers).map(formatProblem),
  ]
}

function explainOne(merged: Merged, name: DirectiveName, origins: readonly Origin[]): string[] {
  const last = origins.at(-1)
  if (last === undefined) return []
  const shown = last.reset ? '(default)' : rows[name].kind.show(merged.directives[name])
  const earlier = origins.slice(0, -1).toReversed()
  return [
    `${name} = ${shown}  ${showPlace(last)}`,
    ...earlier.map(origin => `  ${isPart(name, origin, origins) ? 'after' : 'over'} ${showOrigin(origin)}`),
  ]
}

/** A directive that a class declares: the nearest line stands. */
function explainOwn({ directive: { name, kind }, value, lines }: OwnSetting): string[] {
  const last = lines.at(-1)!
  return [
    `${name} = ${last.reset ? '(default)' : kind.show(value)}  ${showPlace(last)}`,
    ...lines
      .slice(0, -1)
      .toReversed()
      .map(line => `  over ${showOrigin(line)}`),
  ]
}

const showOrigin = (origin: LineOrigin): string => `${origin.reset ? '(default)' : origin.value}  ${showPlace(origin)}`

const showPlace = ({ at, section }: LineOrigin): string =>
  showPosition(at) + (section === undefined ? '' : ` [${section}]`)

/** Whether what the line said is still in the value: nothing has reset or replaced it. */
function isPart(name: DirectiveName, origin: Origin, origins: readonly Origin[]): boolean {
  const { repeat, merge } = rows[name]
  const later = origins.slice(origins.indexOf(origin))
  if (later.some(({ reset }) => reset)) return false
  const isSameBlock = later.every(({ at, section }) => at.file === origin.at.file && section === origin.section)
  if (isSameBlock && repeat === 'last') return false
  if (merge.name === 'signed') return later.slice(1).every(({ value }) => /^[+-]/.test(value))
  return isSameBlock || merge.name !== 'replace'
}
