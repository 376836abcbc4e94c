import type { HeaderTable } from './api/header-table.ts'

const names = ['keep-alive', 'proxy-connection', 'trailer', 'transfer-encoding']

/**
 * Drops headers about the connection rather than the answer (RFC 9110 7.6.1), as an app has them that passes on what it has fetched: the server
 * decides how a body is framed and how long a connection lasts. `Connection: close` may stay.
 */
export function dropHopByHop(headers: HeaderTable): void {
  for (const name of names) headers.delete(name)
  if (headers.has('connection') && headers.get('connection')!.toLowerCase() !== 'close') headers.delete('connection')
}
