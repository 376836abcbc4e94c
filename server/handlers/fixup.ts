import type { Awaitable, SessionImplementation } from '../../session/index.ts'
import type { Request } from '../api/request.ts'
import { OK } from '../api/status.ts'

/**
 * The default of PSOFixupHandler: brings the request its session (the how-to's `pso.modpython::fixup`).
 * With a class, the session is of that implementation: `export const fixup = (req: Request) => pso.fixup(req, MyImpl)`.
 * Does nothing for static files, listings and redirects.
 */
export function fixup(
  request: Request,
  implementation?: SessionImplementation,
  directives?: Readonly<Record<string, string>>,
): Awaitable<number> {
  if (!request.hasHandler) return OK
  const opened = request.pso().openSession(implementation, directives)
  return opened instanceof Promise ? opened.then(() => OK) : OK
}
