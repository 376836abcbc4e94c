import { setTimeout as sleep } from 'node:timers/promises'
import { DirectivesError, rows, type ServerConfig, serverProblems } from '../directives/index.ts'
import { closeLoaders, onReport, openLoader } from '../session/index.ts'
import { loadAuthorCookies } from './author-cookies.ts'
import { Launcher } from './cgi/launcher.ts'
import { sweepPipeDirectories } from './cgi/pipe-directory.ts'
import { sweepUploads } from './input/uploads.ts'
import { loaderSpecOf } from './loader-spec-of.ts'
import { type Logs, openLogs } from './logs/logs.ts'
import { makeSite } from './make-site.ts'
import { Patience } from './patience.ts'
import { holdTickObject } from './process/hold-tick-object.ts'
import { prepareStateDirectory } from './process/state-directory.ts'
import { UnderWay } from './process/under-way.ts'
import { startPurge } from './purge.ts'
import { failRequest } from './serve-request.ts'
import type { Site } from './site.ts'

export interface SiteOptions {
  readonly config: ServerConfig
  readonly development: boolean
  /** The URL path that the site is mounted at, without a slash at the end; default `''`. */
  readonly prefix?: string
  /** How many processes serve this configuration; default 1. */
  readonly workers?: number
  /** Ms since the epoch; default the system's clock. Tests pass their own. */
  readonly now?: () => number
  /** False: no watcher, every change is found by looking. Default: development only. */
  readonly watch?: boolean
}

/** A site with everything it holds open, whether a server of our own or somebody else's app brings its requests. */
export interface OpenSite {
  /** A reload puts another one there. */
  readonly site: Site
  readonly logs: Logs
  /**
   * Puts another configuration in place and reopens the logs, or throws as openSite does; requests under way keep theirs. What was fixed
   * when the server started stays as it was, and the log says so.
   */
  reload(config: ServerConfig): void
  /** Waits for what no client waits for any more, then lets go of everything that no other site of this process uses. */
  close(): Promise<void>
}

/** How long a stop waits for what no client waits for any more. */
const SETTLE_MS = 5000
/** How long its watcher may take to close. */
const WATCHER_MS = 1000

/** Throws a DirectivesError, a StateDirectoryError or a LogError where the configuration cannot be served. */
export async function openSite(options: SiteOptions): Promise<OpenSite> {
  const { development, prefix = '', workers = 1, now = Date.now, watch = development } = options
  refuseWhole(options.config, workers)
  const { directives } = options.config
  holdTickObject()
  prepareStateDirectory(options.config.stateDirectory)
  const cookies = await loadAuthorCookies()
  const logs = openLogs(options.config, now)
  const underWay = new UnderWay()
  const patience = new Patience(failRequest)
  const launcher = new Launcher()
  const owner = {}
  const make = (config: ServerConfig, previous?: Site): Site =>
    makeSite({
      config,
      development,
      prefix,
      workers,
      now,
      watch,
      logs,
      cookies,
      underWay,
      patience,
      launcher,
      owner,
      previous,
    })
  let site = make(options.config)
  const stopReports = onReport(message => logs.error.write('error', message))
  const spec = loaderSpecOf(options.config, directives)
  if (spec !== undefined) void openLoader(spec, owner).connect?.()
  const stopPurge = startPurge(now)
  sweepUploads(options.config.stateDirectory, now()).catch(error =>
    logs.error.write('warn', `uploads that were left behind cannot be removed: ${error.message}`),
  )
  sweepPipeDirectories().catch(error =>
    logs.error.write('warn', `pipes of CGI programs that were left behind cannot be removed: ${error.message}`),
  )

  return {
    get site() {
      return site
    },
    logs,
    reload(config) {
      refuseWhole(config, workers)
      prepareStateDirectory(config.stateDirectory)
      logs.reopen(config)
      for (const name of fixedAtStart)
        if (rows[name].kind.show(config.directives[name]) !== rows[name].kind.show(directives[name]))
          logs.error.write('warn', `${name} has changed in server.ini: it takes a restart`)
      site = make(config, site)
    },
    async close() {
      // handlers whose client has gone away, and log functions, may still be at work
      const left = await underWay.none(SETTLE_MS)
      if (left > 0)
        logs.error.write('error', `${left} requests without a client did not end within ${SETTLE_MS / 1000} s`)
      await launcher.close()
      // a watcher whose work was ended in its midst, with that of a loop, never says that it is closed
      await Promise.race([site.watcher?.close(), sleep(WATCHER_MS, undefined, { ref: false })])
      stopPurge()
      await closeLoaders(owner)
      stopReports()
      logs.close()
    },
  }
}

/** What a reload cannot change. */
const fixedAtStart = ['Listen', 'Workers', 'TrustProxy', 'Timeout'] as const

/** Throws a DirectivesError for what is wrong with the lines of server.ini together, here and now. */
function refuseWhole(config: ServerConfig, workers: number): void {
  const problems = serverProblems(config, workers)
  if (problems.length > 0) throw new DirectivesError(problems)
}
