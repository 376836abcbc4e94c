/** Cookies of the author's own (`getCookies`, `setCookie`); the session's cookie is the transport's. From @fastify/cookie. */
export interface Cookies {
  /** Name to decoded value; of several cookies of one name the first. */
  parse(header: string): Readonly<Record<string, string | undefined>>
  /** One Set-Cookie value; a TypeError for a name or value that no cookie can have. */
  serialize(name: string, value: string, attributes: CookieAttributes): string
}

/** As `Set-Cookie` spells them, in camelCase. */
export interface CookieAttributes {
  readonly domain?: string
  readonly path?: string
  /** Seconds. */
  readonly maxAge?: number
  readonly expires?: Date
  readonly httpOnly?: boolean
  readonly secure?: boolean
  readonly sameSite?: 'lax' | 'strict' | 'none'
  readonly partitioned?: boolean
  readonly priority?: 'low' | 'medium' | 'high'
}
