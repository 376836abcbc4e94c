import type { RequestState } from '../request-state.ts'

/** The absolute URL of a path of the site, or of one seen from its root, as the client sees it. */
export function absoluteUrl(state: RequestState, path: string): string {
  const server = serverUrl(state)
  const { prefix } = state.site
  // a path of two slashes would be another host
  return new URL(/^[/\\]/.test(path) ? server + prefix + path : path, `${server}${prefix}/`).href
}

/**
 * Scheme and host of this server as the client named them, through TrustProxy; ServerName's where it named none. A Host that no URL can
 * have, or that brings more than a host, is a client's nonsense and not the handler's failure.
 */
function serverUrl({ incoming, site }: RequestState): string {
  const { protocol, host } = incoming
  const named = `${protocol}://${host}`
  return /^[^@/?#\\]+$/.test(host) && URL.canParse(named) ? named : `${protocol}://${site.config.directives.ServerName}`
}
