import type { Pass } from '../pass.ts'
import type { RequestState } from '../request-state.ts'

/**
 * The variables of a CGI program (RFC 3875 section 4.1, with Apache's UNIQUE_ID, REQUEST_URI, SCRIPT_FILENAME, DOCUMENT_ROOT, REQUEST_SCHEME,
 * REMOTE_PORT), what SetEnv and PassEnv gave, and what functions of the request set. `Proxy` and names with `_` are no HTTP_ variables.
 */
export function environOf(state: RequestState, pass: Pass = state): Record<string, string> {
  const { raw, incoming, site } = state
  const { location, content } = pass
  const scriptUrl = content?.kind === 'program' ? content.scriptUrl : (location?.path ?? '')
  const pathInfo = pathInfoOf(pass)
  const variables: Record<string, string | undefined> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: 'pso',
    SERVER_PROTOCOL: `HTTP/${raw.httpVersion}`,
    SERVER_NAME: incoming.hostname || site.config.directives.ServerName,
    SERVER_PORT: String(raw.socket?.localPort ?? ''),
    SERVER_ADDR: raw.socket?.localAddress,
    UNIQUE_ID: state.logId,
    REQUEST_METHOD: pass.method,
    REQUEST_SCHEME: incoming.protocol,
    HTTPS: incoming.protocol === 'https' ? 'on' : undefined,
    REQUEST_URI: incoming.originalUrl,
    QUERY_STRING: location?.query ?? '',
    SCRIPT_NAME: site.prefix + (pathInfo === '' ? scriptUrl : scriptUrl.replace(/\/$/, '')),
    SCRIPT_FILENAME: location?.file ?? location?.directory,
    PATH_INFO: pathInfo === '' ? undefined : pathInfo,
    PATH_TRANSLATED: pathInfo === '' ? undefined : site.config.documentRoot + pathInfo,
    DOCUMENT_ROOT: site.config.documentRoot,
    REMOTE_ADDR: state.clientAddress,
    REMOTE_PORT: String(raw.socket?.remotePort ?? ''),
    REMOTE_USER: state.user,
    AUTH_TYPE: state.authType,
    CONTENT_TYPE: raw.headers['content-type'],
    CONTENT_LENGTH: raw.headers['content-length'],
  }
  const environ: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) environ[name] = value
  for (const [name, value] of Object.entries(raw.headers))
    if (value !== undefined && name !== 'proxy' && /^[a-z0-9-]+$/.test(name) && !name.startsWith('content-'))
      environ[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = Array.isArray(value) ? value.join(', ') : value
  for (const [name, value] of pass.plan.directives.SetEnv) if (value !== undefined) environ[name] = value
  for (const [name, value] of pass.redirected ?? []) environ[name] = value
  return environ
}

/** One variable of those that SetEnv, an internal redirect and functions of the request set: all others need not be made for it. */
export const variableOf = ({ environ, redirected, plan }: Pass, name: string): string | undefined =>
  environ === undefined ? (redirected?.get(name) ?? plan.directives.SetEnv.get(name)) : environ[name]

/** What follows the URL of the handler's directory, or of the existing file (DESIGN 4). */
export function pathInfoOf({ content, location }: Pass): string {
  return content?.kind === 'program' ? content.pathInfo : (location?.pathInfo ?? '')
}
