import { createConfigStore, formatProblem, type Merged, type Problem, type ServerConfig } from '../directives/index.ts'
import { knownFiles } from './files/known-files.ts'
import { createStaticFiles } from './handlers/static-file.ts'
import { createLocator } from './locate.ts'
import { compileAccessLine } from './logs/access-line.ts'
import type { Logs } from './logs/logs.ts'
import { createHandlerModules } from './modules/load-handler.ts'
import { installModuleHooks } from './modules/module-graph.ts'
import { whereThrown } from './modules/where-thrown.ts'
import { planOf } from './plan.ts'
import type { Site } from './site.ts'
import { createWatcher } from './watch.ts'

/** `recheckMs` of production. */
const RECHECK_MS = 1000
const CACHE_BYTES = 64 * 1024 * 1024

/** What a site is given and hands on to its requests as it is. */
type Given = Pick<
  Site,
  'config' | 'development' | 'prefix' | 'workers' | 'now' | 'cookies' | 'underWay' | 'patience' | 'owner' | 'launcher'
>

interface Parts extends Given {
  readonly watch: boolean
  readonly logs: Logs
  /** The site that this one replaces; it takes over its loaded modules. */
  readonly previous: Site | undefined
}

/** Everything that a configuration gives to requests, ready to serve. No directory is read before it is asked for. */
export function makeSite({ watch, logs, previous, ...given }: Parts): Site {
  const { config, development, workers, now } = given
  const recheckMs = development ? 0 : RECHECK_MS
  const root = config.documentRoot
  const accessFileNames = config.directives.AccessFileName
  if (previous === undefined) installModuleHooks()
  else previous.modules.forgetAll()
  const warn = (problem: Problem): void => logs.error.write('warn', formatProblem(problem))
  config.warnings.forEach(warn)
  const store = createConfigStore(config, { now, recheckMs, warn })
  const locator = createLocator({ root, scriptAliases: config.scriptAliases, accessFileNames, now, recheckMs })
  const modules =
    previous?.modules ??
    createHandlerModules({
      now,
      recheckMs,
      development,
      report: error => logs.error.write('error', `${whereThrown(error).message}; the last good version keeps serving`),
    })
  const watcher = watch
    ? (previous?.watcher ??
      createWatcher({
        onChange(file) {
          store.forget(file)
          locator.forget(file)
          modules.forgetAll()
        },
        report: message => logs.error.write('warn', message),
      }))
    : undefined
  return {
    ...given,
    recheckMs,
    store,
    locator,
    modules,
    isFile: knownFiles(now, recheckMs),
    staticFiles: createStaticFiles({ cacheBytes: CACHE_BYTES, now, recheckMs }),
    plan: planOf({ workers }, serverMerged(config)),
    errorLog: logs.error,
    accessLog: logs.access,
    accessLine: compileAccessLine(config.directives.LogFormat),
    watcher,
  }
}

/** server.ini's own lines, for the phases before a directory is known. */
const serverMerged = (config: ServerConfig): Merged => ({
  directives: config.directives,
  origins: new Map(),
  unknown: [],
  levels: [],
  problems: [],
})
