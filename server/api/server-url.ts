import type { RequestState } from '../request-state.ts'

/**
 * Scheme and host of this server as the client named them, through TrustProxy; ServerName's where it named none. A Host that no URL can
 * have, or that brings more than a host, is a client's nonsense and not the handler's failure.
 */
export function serverUrl({ incoming, site }: RequestState): string {
  const { protocol, host } = incoming
  const named = `${protocol}://${host}`
  return /^[^@/?#\\]+$/.test(host) && URL.canParse(named) ? named : `${protocol}://${site.config.directives.ServerName}`
}
