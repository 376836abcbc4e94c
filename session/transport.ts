/** What a request brings that concerns sessions. */
export interface Presented {
  /** The Cookie header as it came, of several lines joined by `; `. */
  readonly cookieHeader: string | undefined
  /** The query of the URL as it came, without its `?`. */
  readonly query: string | undefined
  /** True where the request came over TLS. */
  readonly secure: boolean
  /** The request, handed on to the loaders of users. */
  readonly req?: unknown
}

/** The attributes of the session cookie (`PSOCookieSession_*`). They concern the cookie only, never how long the server keeps the session. */
export interface CookieAttributes {
  readonly comment?: string
  readonly domain?: string
  /** Seconds. This or `expires` stands in place of what the session's own expiry says. */
  readonly maxAge?: number
  /** Default: `/`. */
  readonly path?: string
  /** Absent: on where the request came over TLS. */
  readonly secure?: boolean
  readonly version?: number | string
  /** A date in ms. */
  readonly expires?: number
  /** Default: on. */
  readonly httpOnly?: boolean
  /** Default: Lax. */
  readonly sameSite?: 'Lax' | 'Strict' | 'None'
  readonly partitioned?: boolean
  readonly priority?: 'Low' | 'Medium' | 'High'
}

/** Where and for how long a client is to keep an id. */
export interface Keeping {
  readonly serviceId: string
  readonly attributes: CookieAttributes
  readonly presented: Presented
  /** When the session expires, ms; absent: with the browser. */
  readonly expiresAt: number | undefined
  readonly now: number
}

/** How a session's id travels between client and server. */
export interface Transport {
  /** True where ids may stand in URLs: such pages are kept by no cache, and are named to no other site. */
  readonly usesUrl: boolean
  /** What the client presents as an id of the service, first choice first: text of any form, of which nothing is known. */
  idsOf(presented: Presented, serviceId: string): readonly string[]
  /** True where a URL has to carry `id`, since nothing else brings it back. */
  isDueInUrls(id: string, presented: Presented, serviceId: string): boolean
  /** The Set-Cookie value that gives the client `id`; undefined where the transport needs none. */
  give(id: string, keeping: Keeping): string | undefined
  /** The Set-Cookie value that takes the id back; undefined where there is none. */
  takeBack(keeping: Keeping): string | undefined
}
