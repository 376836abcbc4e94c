import { SessionError } from '../session-error.ts'
import type { Keeping, Presented, Transport } from '../transport.ts'

/** The id in the cookie that is named after the service. Reads and writes the header fields itself: equal names, Comment, Version. */
export class CookieTransport implements Transport {
  readonly usesUrl = false

  idsOf(presented: Presented, serviceId: string): readonly string[] {
    const { cookieHeader } = presented
    return cookieHeader === undefined ? [] : cookieValues(cookieHeader, serviceId)
  }

  isDueInUrls(): boolean {
    return false
  }

  give(id: string, keeping: Keeping): string {
    const { attributes, expiresAt, now } = keeping
    if (expiresAt === undefined || attributes.maxAge !== undefined || attributes.expires !== undefined)
      return setCookie(id, keeping, attributes.expires, attributes.maxAge)
    return setCookie(id, keeping, expiresAt, Math.max(0, Math.ceil((expiresAt - now) / 1000)))
  }

  /** With the attributes it was given with: a browser deletes the cookie of the same name, domain, path and partition. */
  takeBack(keeping: Keeping): string {
    return setCookie('', keeping, 0, 0)
  }
}

export const cookieTransport: Transport = new CookieTransport()

/** The values of all cookies of exactly this name, in the order of the header, without their quotes. */
export function cookieValues(header: string, name: string): string[] {
  const values: string[] = []
  if (!header.includes(name)) return values
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals === -1 || trim(pair.slice(0, equals)) !== name) continue
    const value = trim(pair.slice(equals + 1))
    values.push(value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value)
  }
  return values
}

/** Blanks and tabs only: `trim()` takes characters away that belong to the name. */
const trim = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '')

function setCookie(id: string, keeping: Keeping, expires: number | undefined, maxAge: number | undefined): string {
  const { serviceId, attributes } = keeping
  if (!cookieName.test(serviceId)) throw new SessionError('bad-cookie', 'the service id cannot be the name of a cookie')
  // RFC 6265bis 4.1.3.2: anything else a browser throws away without a word
  if (/^__host-/i.test(serviceId) && (attributes.domain !== undefined || (attributes.path ?? '/') !== '/'))
    throw new SessionError('bad-cookie', `expected Path / and no Domain for the session cookie ${serviceId}`)
  let text = `${serviceId}=${checked('value', id)}; Path=${checked('Path', attributes.path ?? '/')}`
  if (attributes.domain !== undefined) text += `; Domain=${checked('Domain', attributes.domain)}`
  if (expires !== undefined) text += `; Expires=${new Date(expires).toUTCString()}`
  if (maxAge !== undefined) text += `; Max-Age=${maxAge}`
  if (attributes.secure ?? keeping.presented.secure) text += '; Secure'
  if (attributes.httpOnly ?? true) text += '; HttpOnly'
  text += `; SameSite=${checked('SameSite', attributes.sameSite ?? 'Lax')}`
  if (attributes.partitioned) text += '; Partitioned'
  if (attributes.priority !== undefined) text += `; Priority=${checked('Priority', attributes.priority)}`
  if (attributes.comment !== undefined) text += `; Comment=${checked('Comment', attributes.comment)}`
  if (attributes.version !== undefined) text += `; Version=${checked('Version', String(attributes.version))}`
  const tooLong = cookieTooLong(serviceId, text)
  if (tooLong !== undefined) throw new SessionError('bad-cookie', tooLong)
  return text
}

/**
 * What is wrong with a Set-Cookie of more than 4,096 bytes; undefined where it has fewer. Browsers throw a cookie away without a word whose
 * name and value have more (RFC 6265bis 5.7); with the attributes, it is the least that all have to keep (RFC 6265 6.1).
 */
export function cookieTooLong(name: string, setCookie: string): string | undefined {
  const size = Buffer.byteLength(setCookie)
  return size > 4096 ? `the cookie ${name} has ${size} bytes with its attributes, 4096 are allowed` : undefined
}

const cookieName = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/

/** A semicolon would begin another attribute, a line end another header field. */
function checked(what: string, value: string): string {
  if (/^[\x20-\x3a\x3c-\x7e]*$/.test(value)) return value
  throw new SessionError('bad-cookie', `the ${what} of the session cookie may hold printable ASCII without semicolons`)
}
