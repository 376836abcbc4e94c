import type { Merged, UnknownLine } from './merged.ts'

/** True for a line whose name is the service id, whatever its case: it forces the session id (DESIGN 7), and is no mistake. */
export function isForcedId(line: UnknownLine, { directives }: Merged): boolean {
  return directives.PSOServiceId?.toLowerCase() === line.name.toLowerCase()
}
