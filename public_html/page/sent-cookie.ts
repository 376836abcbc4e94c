import type { Request } from 'pso'

/** The Set-Cookie of a head that has left, for people to see: who has a session's id has the session, and so most of it is left out. */
export function sentCookie(req: Request): string {
  const cookie = req.headersOut.get('Set-Cookie')
  return cookie === undefined ? 'none: your browser has the cookie' : cookie.replace(/=([^;]{4})[^;]*/, '=$1…')
}
