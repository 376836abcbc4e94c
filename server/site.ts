import type { ConfigStore, ServerConfig } from '../directives/index.ts'
import type { Cookies } from './api/cookies.ts'
import type { Launcher } from './cgi/launcher.ts'
import type { IsFile } from './files/known-files.ts'
import type { StaticFiles } from './handlers/static-file.ts'
import type { Locator } from './locate.ts'
import type { AccessFacts } from './logs/access-line.ts'
import type { ErrorLog } from './logs/error-log.ts'
import type { LogFile } from './logs/log-file.ts'
import type { HandlerModules } from './modules/load-handler.ts'
import type { Patience } from './patience.ts'
import type { Plan } from './plan.ts'
import type { UnderWay } from './process/under-way.ts'
import type { Watcher } from './watch.ts'

/** All that one generation of server.ini gives to its requests; a reload makes a new one, and requests under way keep theirs. */
export interface Site {
  readonly config: ServerConfig
  readonly development: boolean
  /**
   * The URL path that it is mounted at in somebody else's app, without a slash at the end; `''` for a server's own. All that is inside
   * sees paths without it; `outwardPath` puts it before those that leave.
   */
  readonly prefix: string
  /** How many processes serve: what lives in one process only is an error with more than one. */
  readonly workers: number
  readonly now: () => number
  /** How long what was looked at on disk is trusted, in ms; 0 in development: it is looked at for each request. */
  readonly recheckMs: number
  readonly store: ConfigStore
  readonly locator: Locator
  readonly modules: HandlerModules
  /** Whether there is a file, as fresh as the mode asks. */
  readonly isFile: IsFile
  readonly staticFiles: StaticFiles
  /** The plan of server.ini's own lines: the phases before a directory is known. */
  readonly plan: Plan
  readonly errorLog: ErrorLog
  readonly accessLog: LogFile
  readonly accessLine: (facts: AccessFacts) => string
  readonly cookies: Cookies
  readonly watcher: Watcher | undefined
  readonly underWay: Pick<UnderWay, 'begin' | 'end'>
  readonly patience: Pick<Patience, 'wait'>
  /** Stands for the server, through reloads, where loaders are opened and let go of. */
  readonly owner: object
  /** Runs CGI programs. */
  readonly launcher: Launcher
}
