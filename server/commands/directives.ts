import { describe, describeNamed, directiveNames, insteadOf } from '../../directives/index.ts'

/** `pso directives [NAME]`: the reference of all directives, or of one or of a section; 1 where there is none of that name. */
export function describeDirectives(name: string | undefined): number {
  if (name === undefined) {
    console.log(directiveNames.map(describe).join('\n\n'))
    return 0
  }
  const description = describeNamed(name)
  if (description !== undefined) {
    console.log(description)
    return 0
  }
  const instead = insteadOf(name)
  console.error(`${name}: unknown directive${instead === undefined ? '' : ` (${instead})`}`)
  return 1
}
