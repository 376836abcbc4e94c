import { isUtf8 } from 'node:buffer'
import type { Pass } from '../pass.ts'
import type { RequestState } from '../request-state.ts'

/**
 * The variables of a CGI program (RFC 3875 section 4.1, and what Apache adds: CONTEXT_…, DOCUMENT_ROOT, PATH, REMOTE_PORT, REQUEST_SCHEME,
 * REQUEST_URI, SCRIPT_FILENAME, SERVER_ADDR, SERVER_SIGNATURE, UNIQUE_ID), or those of the web server that runs us in their place. They go
 * before what SetEnv, PassEnv, an internal redirect and functions of the request (`set`) gave. `Proxy` and names with `_` become no HTTP_
 * variables, and passwords of clients are passed on only where CGIPassAuth says so.
 */
export function environOf(
  state: RequestState,
  pass: Pass = state,
  set: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { raw, incoming } = state
  const { plan } = pass
  const environ: Record<string, string> = Object.create(null)
  const standard = standardVariables(state, pass)
  const given = incoming.environment
  Object.assign(environ, given)
  for (const [name, value] of plan.directives.SetEnv) if (value !== undefined) environ[name] = value
  for (const [name, value] of pass.redirected ?? []) environ[name] = value
  for (const [name, value] of Object.entries(set)) if (!(name in standard)) environ[name] = value
  for (const [name, value] of Object.entries(standard)) {
    const known = given?.[name] ?? value
    if (known !== undefined) environ[name] = known
  }
  environ['PATH'] ??= process.env['PATH'] ?? DEFAULT_PATH
  const isPassed = (name: string): boolean =>
    /^[a-z0-9-]+$/.test(name) && !own.has(name) && (plan.directives.CGIPassAuth || !secret.has(name))
  for (const [name, value] of Object.entries(raw.headers))
    if (value !== undefined && isPassed(name))
      environ[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = textOf(
        Array.isArray(value) ? value.join(', ') : value,
      )
  return environ
}

/** One variable of those that SetEnv, an internal redirect and functions of the request set, without making all the others. */
export const variableOf = ({ environ, redirected, plan }: Pass, name: string): string | undefined =>
  environ === undefined ? (redirected?.get(name) ?? plan.directives.SetEnv.get(name)) : environ[name]

/** What follows the URL of the handler's directory, or of the existing file (DESIGN 4). */
export function pathInfoOf({ content, location }: Pass): string {
  return content?.kind === 'handler' || content?.kind === 'cgi' ? content.pathInfo : (location?.pathInfo ?? '')
}

/** Undefined: the request has no such variable, and what SetEnv says of it stands. */
function standardVariables(state: RequestState, pass: Pass): Record<string, string | undefined> {
  const { raw, incoming, site } = state
  const { location, content, method } = pass
  const { documentRoot } = site.config
  const scriptUrl = content?.kind === 'handler' || content?.kind === 'cgi' ? content.scriptUrl : (location?.path ?? '')
  const pathInfo = pathInfoOf(pass)
  // what answers in place of a POST is a GET, and has no body
  const headers = method === incoming.method ? raw.headers : {}
  return {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: 'pso',
    SERVER_SIGNATURE: '',
    SERVER_PROTOCOL: `HTTP/${raw.httpVersion}`,
    SERVER_NAME: incoming.hostname || site.config.directives.ServerName,
    SERVER_PORT: portOf(state),
    SERVER_ADDR: raw.socket?.localAddress,
    UNIQUE_ID: state.logId,
    REQUEST_METHOD: method,
    REQUEST_SCHEME: incoming.protocol,
    HTTPS: incoming.protocol === 'https' ? 'on' : undefined,
    REQUEST_URI: textOf(incoming.originalUrl),
    QUERY_STRING: textOf(location?.query ?? ''),
    SCRIPT_NAME: site.prefix + (pathInfo === '' ? scriptUrl : scriptUrl.replace(/\/$/, '')),
    SCRIPT_FILENAME: location?.file ?? location?.directory,
    PATH_INFO: pathInfo === '' ? undefined : pathInfo,
    PATH_TRANSLATED: pathInfo === '' ? undefined : documentRoot + pathInfo,
    DOCUMENT_ROOT: documentRoot,
    CONTEXT_PREFIX: location?.root.isScriptAlias ? location.root.url : '',
    CONTEXT_DOCUMENT_ROOT: location?.root.isScriptAlias ? `${location.root.path}/` : documentRoot,
    REMOTE_ADDR: state.clientAddress,
    REMOTE_PORT: raw.socket?.remotePort?.toString(),
    REMOTE_USER: state.user,
    AUTH_TYPE: state.authType,
    CONTENT_TYPE: headers['content-type'] === undefined ? undefined : textOf(headers['content-type']),
    CONTENT_LENGTH: headers['content-length'],
  }
}

/** The port that the client named, by its host or scheme; one that named no host has that of the connection (UseCanonicalName Off). */
function portOf({ incoming, raw }: RequestState): string | undefined {
  const { host, protocol } = incoming
  if (host === '') return raw.socket?.localPort?.toString()
  return /:(\d{1,5})$/.exec(host)?.[1] ?? (protocol === 'https' ? '443' : '80')
}

/** Apache's, where the server itself has none. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'
/** These have variables without HTTP_, or none: `Proxy` would be HTTP_PROXY, which HTTP libraries obey. */
const own = new Set(['content-type', 'content-length', 'proxy'])
const secret = new Set(['authorization', 'proxy-authorization'])

/** What node gives as Latin-1, one character per byte, read as UTF-8 where it is that; else as it came. */
function textOf(raw: string): string {
  if (!/[\x80-\xff]/.test(raw)) return raw
  const bytes = Buffer.from(raw, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : raw
}
