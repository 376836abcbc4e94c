import type { AccessFacts } from './access-line.ts'
import type { RequestState } from './request-state.ts'

/** What the access line tells of a request that is over. A client that went away before its answer has the status that was meant. */
export function accessFactsOf(state: RequestState): AccessFacts {
  const { raw, response, fastify, output, site } = state
  return {
    host: state.clientAddress,
    user: state.user,
    time: state.startedAt,
    durationMs: site.now() - state.startedAt,
    method: raw.method ?? '-',
    target: fastify.originalUrl,
    protocol: `HTTP/${raw.httpVersion}`,
    status: output.status,
    bytes: output.sentBytes,
    bytesWithHead: output.sentBytes,
    headerIn: name => {
      const value = raw.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    headerOut: name => {
      const value = response.getHeader(name) ?? output.headers.get(name)
      return value === undefined ? undefined : String(value)
    },
    serverName: site.config.directives.ServerName,
    port: raw.socket?.localPort ?? 0,
    file: state.location?.file ?? state.location?.directory,
  }
}
