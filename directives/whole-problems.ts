import { isForcedId } from './forced-id.ts'
import type { Merged } from './merged.ts'
import type { Problem } from './problem.ts'
import type { DirectiveName } from './table.ts'

/**
 * All that is wrong with a configuration in effect: the errors of its files, then those that only the whole of it shows. `workers`:
 * how many processes serve it.
 */
export function wholeProblems(merged: Merged, workers: number): Problem[] {
  return [...merged.problems, ...unknownNames(merged), ...memoryOfSeveral(merged, workers), ...prefixRules(merged)]
}

/** A name that the table does not have is an error, unless it is the service id: then its value is a session id (DESIGN 7). */
function unknownNames(merged: Merged): Problem[] {
  return merged.unknown.flatMap(line => {
    if (!isForcedId(line, merged)) return [line.problem]
    if (/^[A-Za-z0-9_-]{1,128}$/.test(line.value)) return []
    const message = `expected a session id of 1 to 128 letters, digits, _ or -, got ${JSON.stringify(line.value)}`
    return [{ code: 'bad-value', severity: 'error', at: line.at, name: line.name, message } as const]
  })
}

/** `memory:` lives in one process: with several, two requests of a visitor would meet different sessions. */
function memoryOfSeveral(merged: Merged, workers: number): Problem[] {
  if (workers === 1 || merged.directives.PSOSessionLoader.type !== 'memory') return []
  const message = `expected file: with ${workers} workers, got memory:`
  return atLastOrigin(merged, 'PSOSessionLoader', message, 'or Workers = 1')
}

/** What a browser asks of cookies with these prefixes (RFC 6265bis 4.1.3); `Secure` follows by itself where no line says off. */
function prefixRules(merged: Merged): Problem[] {
  const { PSOServiceId: name, PSOCookieSession_Domain: domain, PSOCookieSession_Path: path } = merged.directives
  const wrong = (directive: DirectiveName, wanted: string, got: string): Problem[] =>
    atLastOrigin(merged, directive, `expected ${wanted} with the service id ${name}, got ${got}`)
  if (name === undefined || !/^__(host|secure)-/i.test(name)) return []
  if (merged.directives.PSOCookieSession_Secure === false) return wrong('PSOCookieSession_Secure', 'on', 'off')
  if (!/^__host-/i.test(name)) return []
  if (domain !== undefined) return wrong('PSOCookieSession_Domain', 'no Domain', domain)
  return path === undefined || path === '/' ? [] : wrong('PSOCookieSession_Path', '/', path)
}

function atLastOrigin(merged: Merged, name: DirectiveName, message: string, hint?: string): Problem[] {
  const last = merged.origins.get(name)?.at(-1)
  if (last === undefined) return []
  return [{ code: 'bad-value', severity: 'error', at: last.at, name, message, ...(hint === undefined ? {} : { hint }) }]
}
