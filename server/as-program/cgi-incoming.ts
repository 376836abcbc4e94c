import type { Readable } from 'node:stream'
import type { Incoming } from '../incoming.ts'
import { type CgiEnvironment, urlOf } from './cgi-environment.ts'
import { CgiMessage } from './cgi-message.ts'

export interface CgiIncoming extends Incoming {
  readonly raw: CgiMessage
  readonly environment: CgiEnvironment
}

/** The request that a web server has started this program for. In a shell, where no variable says anything: GET of the program. */
export function cgiIncoming(environment: CgiEnvironment, openInput: () => Readable): CgiIncoming {
  const raw = new CgiMessage(environment, openInput)
  const isSecure = /^(?:on|1)$/i.test(environment['HTTPS'] ?? '') || environment['REQUEST_SCHEME'] === 'https'
  const host = hostOf(environment, isSecure)
  return {
    raw,
    method: raw.method!,
    originalUrl: urlOf(environment),
    ip: raw.socket.remoteAddress ?? '',
    host,
    hostname: host.replace(/:\d*$/, ''),
    protocol: isSecure ? 'https' : 'http',
    environment,
  }
}

/** The host that the client named, else the one that it reached; '' in a shell. */
function hostOf({ HTTP_HOST, SERVER_NAME = '', SERVER_PORT = '' }: CgiEnvironment, isSecure: boolean): string {
  if (HTTP_HOST !== undefined && HTTP_HOST !== '') return HTTP_HOST
  const isUsual = SERVER_PORT === '' || SERVER_PORT === (isSecure ? '443' : '80')
  return SERVER_NAME === '' || isUsual ? SERVER_NAME : `${SERVER_NAME}:${SERVER_PORT}`
}
