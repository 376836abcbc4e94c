import type { RequestState } from '../request-state.ts'

/** The absolute URL of a path of the site, or of one seen from its root, as the client sees it. */
export function absoluteUrl(state: RequestState, path: string): string {
  const server = serverUrl(state)
  const { prefix } = state.site
  // a path of two slashes would be another host
  return new URL(/^[/\\]/.test(path) ? server + prefix + path : path, `${server}${prefix}/`).href
}

/**
 * Scheme and host of this server as the client named them, through TrustProxy; ServerName where it named none, or sent a Host that no URL
 * can have or that is more than a host: that is the client's nonsense, and must not fail the handler.
 */
function serverUrl({ incoming, site }: RequestState): string {
  const { protocol, host } = incoming
  const named = `${protocol}://${host}`
  return /^[^@/?#\\]+$/.test(host) && URL.canParse(named) ? named : `${protocol}://${site.config.directives.ServerName}`
}
