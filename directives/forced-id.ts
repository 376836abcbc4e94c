import type { Merged, UnknownLine } from './merged.ts'

/**
 * True for a line whose name is the service id, whatever its case: it forces the session id (DESIGN 7), and is no mistake. The default
 * service id begins with the server's name; only a request shows which module follows.
 */
export function isForcedId(line: UnknownLine, { directives }: Merged): boolean {
  const { PSOServiceId, ServerName } = directives
  const name = line.name.toLowerCase()
  return PSOServiceId === undefined
    ? name.startsWith(`${ServerName.toLowerCase()}.`)
    : PSOServiceId.toLowerCase() === name
}
