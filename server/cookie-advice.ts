import type { RequestState } from './request-state.ts'

/** The parts of a request that a browser checks a cookie against. */
export interface CookieRequest {
  /** True where the request came over TLS, as seen through TrustProxy. */
  readonly secure: boolean
  /** The host the client named, without a port. */
  readonly hostname: string
  /** The URL's path, as sent. */
  readonly path: string
  /** The address of a peer that TrustProxy does not name, and that says the client came over TLS. */
  readonly untrustedProxy?: string | undefined
  readonly now: number
}

export interface CookieAdvice {
  /** Names the rule, so that each is told once. */
  readonly rule: string
  /** What the browser does with the cookie, and what to write instead. */
  readonly text: string
}

/**
 * Why a browser would refuse a Set-Cookie, or not send it back to its own page (RFC 6265bis 5.6 and 5.7); nothing where it is fine.
 * `isSession`: the remedy is a directive, else an attribute of `setCookie()`.
 */
export function cookieAdvice(setCookie: string, isSession: boolean, request: CookieRequest): CookieAdvice[] {
  const { name, attributes } = parsed(setCookie)
  const { secure, hostname, path, untrustedProxy, now } = request
  const isSecure = attributes.has('secure')
  const hasPrefix = /^__(host|secure)-/i.test(name)
  const isLocal = /^(localhost|.*\.localhost|127\.[\d.]+|\[?::1\]?)$/i.test(hostname)
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase()
  const host = hostname.toLowerCase()
  const cookiePath = attributes.get('path') ?? '/'
  const advice: CookieAdvice[] = []
  const say = (rule: string, text: string): number => advice.push({ rule, text })
  const line = (attribute: string, value: string): string =>
    isSession ? `PSOCookieSession_${attribute} = ${value}` : `${attribute} ${value} in setCookie()`

  if (untrustedProxy !== undefined && !secure)
    say(
      'proxy',
      `a peer says that the visitor came over TLS, but is not trusted, so that the cookie is made for plain HTTP: write TrustProxy = ${untrustedProxy} in server.ini if it is your proxy`,
    )
  else if (isSecure && !secure && !isLocal)
    say(
      'secure',
      `it is Secure, and over plain HTTP browsers refuse that: serve over TLS, or behind a proxy that does write TrustProxy = ADDRESS in server.ini, or ${hasPrefix ? 'take the prefix off its name' : `write ${line('Secure', 'off')}`}`,
    )
  if (!isSecure && attributes.get('samesite')?.toLowerCase() === 'none')
    say('samesite', `SameSite=None is refused without Secure: write ${line('SameSite', 'Lax')}, or serve over TLS`)
  if (!isSecure && attributes.has('partitioned'))
    say('partitioned', `Partitioned is refused without Secure: write ${line('Partitioned', 'off')}, or serve over TLS`)
  if (hasPrefix && !isSecure)
    say('prefix', `a name that begins like this is refused without Secure: write ${line('Secure', 'on')}`)
  if (/^__host-/i.test(name) && (domain !== undefined || cookiePath !== '/'))
    say('prefix', 'a name that begins with __Host- is refused with a Domain, and with a Path other than /')
  if (domain !== undefined && domain !== host && !host.endsWith(`.${domain}`))
    say(
      'domain',
      `its Domain is ${domain}, and a page of ${host} may not set that: browsers refuse it; write a domain that the host is in, or none`,
    )
  else if (domain !== undefined && domain !== host && !domain.includes('.'))
    say(
      'suffix',
      `its Domain ${domain} is shared by strangers, like com: browsers refuse it; write one with a dot, or none`,
    )
  if (!pathMatches(path, cookiePath))
    say(
      'path',
      `its Path is ${cookiePath}, so that browsers do not send it back to ${path}: write ${line('Path', 'a path that the page is below')}`,
    )
  if (Math.max(Number(attributes.get('max-age') ?? 0), secondsTo(attributes, now)) > MAX_AGE)
    say('age', 'it is to last for more than 400 days: browsers keep it for 400')
  if (['path', 'domain'].some(attribute => (attributes.get(attribute) ?? '').length > 1024))
    say('length', 'an attribute has more than 1024 characters: browsers ignore it')
  return advice
}

/** 400 days, in seconds (RFC 6265bis 5.6.1 and 5.6.2). */
const MAX_AGE = 400 * 24 * 60 * 60

const secondsTo = (attributes: ReadonlyMap<string, string>, now: number): number =>
  (Date.parse(attributes.get('expires') ?? '') - now) / 1000 || 0

/** RFC 6265bis 5.1.4. */
const pathMatches = (path: string, cookiePath: string): boolean =>
  path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)

function parsed(setCookie: string): { name: string; attributes: ReadonlyMap<string, string> } {
  const [pair = '', ...rest] = setCookie.split(/; */)
  const attributes = rest.map(part => {
    const [, attribute = '', value = ''] = /^([^=]*)=?(.*)$/.exec(part)!
    return [attribute.toLowerCase(), value] as const
  })
  return { name: pair.slice(0, pair.indexOf('=')), attributes: new Map(attributes) }
}

/** Nobody reads about more cookies than this. */
const MOST_TOLD = 1000
const told = new WeakMap<object, Set<string>>()

/** In development: warns in the error log, once for each cookie and rule, of cookies that browsers will not keep or send back. */
export function adviseOnCookies(state: RequestState): void {
  const { site, sessions, output } = state
  const known = told.get(site) ?? new Set<string>()
  told.set(site, known)
  for (const setCookie of output.headers.getAll('Set-Cookie')) {
    const name = setCookie.slice(0, setCookie.indexOf('='))
    const isSession = sessions.some(({ serviceId }) => serviceId === name)
    for (const { rule, text } of cookieAdvice(setCookie, isSession, requestOf(state))) {
      const key = `${name} ${rule}`
      if (known.has(key) || known.size >= MOST_TOLD) continue
      known.add(key)
      site.errorLog.write('warn', `the ${isSession ? 'session ' : ''}cookie ${name}: ${text}`, state)
    }
  }
}

function requestOf({ incoming, raw, site }: RequestState): CookieRequest {
  const [proto] = [raw.headers['x-forwarded-proto'] ?? []].flat()
  return {
    secure: incoming.protocol === 'https',
    hostname: incoming.hostname || site.config.directives.ServerName,
    path: incoming.originalUrl.replace(/[?#].*$/, ''),
    untrustedProxy: proto?.trim().toLowerCase() === 'https' ? raw.socket?.remoteAddress : undefined,
    now: site.now(),
  }
}
