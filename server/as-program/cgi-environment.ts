import { encodedPath } from '../encoded-path.ts'

/** The variables of a process: those of RFC 3875 and Apache's where a web server has started it. */
export type CgiEnvironment = Readonly<Record<string, string>>

/** False in a shell. */
export const isRunByServer = (environment: CgiEnvironment): boolean =>
  environment['GATEWAY_INTERFACE'] !== undefined || environment['REQUEST_METHOD'] !== undefined

/** The request target: REQUEST_URI (Apache), else what the other variables make of it. */
export function urlOf(environment: CgiEnvironment): string {
  const { REQUEST_URI, SCRIPT_NAME = '', PATH_INFO = '', QUERY_STRING = '' } = environment
  if (REQUEST_URI !== undefined && REQUEST_URI !== '') return REQUEST_URI
  const path = encodedPath(`${SCRIPT_NAME}${PATH_INFO}`)
  return `${path === '' ? '/' : path}${QUERY_STRING === '' ? '' : `?${QUERY_STRING}`}`
}

/**
 * The header fields of the request, name and value in turn; Content-Type and Content-Length have variables of their own. `HTTP_PROXY` is not
 * one of them (httpoxy): in a shell it names the user's proxy.
 */
export function headersOf(environment: CgiEnvironment): string[] {
  const fields: string[] = []
  for (const [name, value] of Object.entries(environment)) {
    const field = /^HTTP_([A-Z0-9_]+)$/.exec(name)?.[1] ?? /^CONTENT_(?:TYPE|LENGTH)$/.exec(name)?.[0]
    if (field === undefined || field === 'PROXY' || (value === '' && field.startsWith('CONTENT_'))) continue
    fields.push(spelled(field), value)
  }
  return fields
}

/** `ACCEPT_LANGUAGE` as `Accept-Language`. */
const spelled = (field: string): string =>
  field
    .split('_')
    .map(part => part.slice(0, 1) + part.slice(1).toLowerCase())
    .join('-')
