import { describe, directiveNamed, directiveNames, nearestName } from '../../directives/index.ts'

/** `pso directives [NAME]`: the reference of all of them, or of one; 1 where there is none of that name. */
export function describeDirectives(name: string | undefined): number {
  if (name === undefined) {
    console.log(directiveNames.map(describe).join('\n\n'))
    return 0
  }
  const known = directiveNamed(name)
  if (known !== undefined) {
    console.log(describe(known))
    return 0
  }
  const nearest = nearestName(name, directiveNames)
  console.error(`${name}: unknown directive${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}`)
  return 1
}
