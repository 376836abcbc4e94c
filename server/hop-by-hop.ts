import type { HeaderTable } from './api/header-table.ts'

const names = ['keep-alive', 'proxy-connection', 'trailer', 'transfer-encoding']

/**
 * Drops what speaks of a connection and not of the answer (RFC 9110 7.6.1), such as an app that hands on what it has fetched brings along: how a
 * body is framed, and how long a connection lasts, is the server's matter. That it is to be closed may be said.
 */
export function dropHopByHop(headers: HeaderTable): void {
  for (const name of names) headers.delete(name)
  if (headers.has('connection') && headers.get('connection')!.toLowerCase() !== 'close') headers.delete('connection')
}
