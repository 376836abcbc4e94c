import type { Request } from '../api/request.ts'
import { OK } from '../api/status.ts'

/**
 * The default of PSOLogHandler: lets go of the service object (the how-to's `pso.modpython::cleanup`). The session was saved
 * and unlocked before the response ended, whoever handles the log.
 */
export function cleanup(request: Request): number {
  request.forgetService()
  return OK
}
