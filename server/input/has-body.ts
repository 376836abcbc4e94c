import type { IncomingMessage } from 'node:http'
import type { RequestState } from '../request-state.ts'

/** True where the head announces a body that is not empty. */
export const announcesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** True where what is answered now has that body: what answers in place of a POST is a GET, and has none. */
export const hasBody = ({ raw, method, incoming }: RequestState): boolean =>
  method === incoming.method && announcesBody(raw)
