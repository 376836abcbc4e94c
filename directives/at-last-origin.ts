import type { Merged } from './merged.ts'
import type { Problem } from './problem.ts'
import type { DirectiveName } from './table.ts'

/** An error at the last line that sets a directive; none where no line does. */
export function atLastOrigin(merged: Merged, name: DirectiveName, message: string, hint?: string): Problem[] {
  const last = merged.origins.get(name)?.at(-1)
  if (last === undefined) return []
  return [{ code: 'bad-value', severity: 'error', at: last.at, name, message, ...(hint === undefined ? {} : { hint }) }]
}
