import { atLastOrigin } from './at-last-origin.ts'
import type { Merged } from './merged.ts'
import type { Problem } from './problem.ts'
import type { DirectiveName } from './table.ts'

/**
 * The rules of browsers that the directives by themselves break: browsers would drop the cookie, or the attribute, silently. Rules that
 * depend on the request are for the development log (server/cookie-advice.ts).
 */
export const cookieRules = (merged: Merged): Problem[] => [
  ...prefixRules(merged),
  ...secureRules(merged),
  ...lengthRule(merged),
]

/** RFC 6265bis 4.1.3: what a name begins with; `Secure` follows by itself where no line says off. */
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

/** RFC 6265bis 5.7: `SameSite=None` without `Secure` is refused, and so is `Partitioned` (CHIPS). */
function secureRules(merged: Merged): Problem[] {
  const { directives } = merged
  if (directives.PSOCookieSession_Secure !== false) return []
  const hint = 'or take PSOCookieSession_Secure = off away'
  const needs = (name: DirectiveName, wanted: string, got: string): Problem[] =>
    atLastOrigin(merged, name, `expected ${wanted} with PSOCookieSession_Secure = off, got ${got}`, hint)
  if (directives.PSOCookieSession_SameSite === 'None')
    return needs('PSOCookieSession_SameSite', 'Lax or Strict', 'None')
  return directives.PSOCookieSession_Partitioned ? needs('PSOCookieSession_Partitioned', 'off', 'on') : []
}

/** RFC 6265bis 5.6: a longer attribute is ignored. */
const MAX_ATTRIBUTE_LENGTH = 1024

function lengthRule(merged: Merged): Problem[] {
  const names = ['PSOCookieSession_Comment', 'PSOCookieSession_Domain', 'PSOCookieSession_Path'] as const
  return names.flatMap(name => {
    const { length } = merged.directives[name] ?? ''
    if (length <= MAX_ATTRIBUTE_LENGTH) return []
    return atLastOrigin(merged, name, `expected ${MAX_ATTRIBUTE_LENGTH} characters or fewer, got ${length}`)
  })
}
