import { basename, join, relative } from 'node:path'
import { onReport } from '../../session/index.ts'
import type { Cookies } from '../api/cookies.ts'
import { Launcher } from '../cgi/launcher.ts'
import { createErrorLog } from '../logs/error-log.ts'
import { createLogFile } from '../logs/log-file.ts'
import { makeSite } from '../make-site.ts'
import { invalidate, realFile } from '../modules/module-graph.ts'
import { Patience } from '../patience.ts'
import { isDevelopment } from '../process/development.ts'
import { prepareStateDirectory } from '../process/state-directory.ts'
import { RequestState } from '../request-state.ts'
import { failRequest } from '../serve-request.ts'
import type { Site } from '../site.ts'
import type { CgiEnvironment } from './cgi-environment.ts'
import type { CgiIncoming } from './cgi-incoming.ts'
import type { CgiResponse } from './cgi-response.ts'
import type { HandlerProgram } from './handler-program.ts'
import { programConfig } from './program-config.ts'

interface Parts {
  readonly incoming: CgiIncoming
  readonly response: CgiResponse
  /** True where standard output was a terminal. */
  readonly isTerminal: boolean
  readonly cookies: Cookies
  /** Called when the log phase is through. */
  readonly onEnd: () => void
}

/**
 * The one request of a program, in a site of its own, as far as the web server has already brought it: located, and with its handler
 * chosen. The file of `program` is absolute. Throws as programConfig and prepareStateDirectory do.
 */
export function programState(
  program: HandlerProgram,
  { incoming, response, isTerminal, cookies, onEnd }: Parts,
): RequestState {
  const { environment } = incoming
  const { config, directory } = programConfig(program.file, environment)
  prepareStateDirectory(config.stateDirectory)
  const log = createLogFile({ type: 'stderr' }, { immediate: true })
  const error = createErrorLog(log, config.directives.LogLevel, Date.now)
  onReport(message => error.write('error', message))
  const none = createLogFile({ type: 'none' })
  const site = makeSite({
    config,
    development: isDevelopment(program, config, isTerminal),
    workers: Number.POSITIVE_INFINITY,
    now: Date.now,
    watch: false,
    logs: { access: none, error, reopen() {}, close() {} },
    cookies,
    underWay: { begin() {}, end: onEnd },
    patience: new Patience(failRequest),
    prefix: '',
    owner: {},
    launcher: new Launcher(),
    previous: undefined,
  })
  const state = new RequestState(withHandler(site, program, directory), incoming, response)
  place(state, program, directory, environment)
  return state
}

/** The function that the running file passed in replaces that file's exports. Where lines of its directory name the file, that is another module. */
function withHandler(site: Site, { file, handler }: HandlerProgram, directory: string): Site {
  if (handler === undefined) return site
  invalidate(realFile(file))
  const { modules } = site
  const load: typeof modules.load = (base, module) =>
    base === runningIn(directory) ? { handler } : modules.load(base, module)
  return { ...site, modules: { ...modules, load } }
}

/** The base that means the program's own function: no line of a file has a base that ends with a slash. */
const runningIn = (directory: string): string => `${directory}/`

/** Sets what `locate` and `choose` find for a server: here the web server has found it. */
function place(state: RequestState, program: HandlerProgram, directory: string, environment: CgiEnvironment): void {
  const { documentRoot } = state.site.config
  const name = basename(program.file)
  const file = join(directory, name)
  const scriptUrl = environment['SCRIPT_NAME'] ?? `/${relative(documentRoot, file)}`
  const pathInfo = environment['PATH_INFO'] ?? ''
  state.location = {
    root: { path: documentRoot, url: '/', isScriptAlias: false },
    path: scriptUrl + pathInfo,
    query: environment['QUERY_STRING'] || undefined,
    kind: 'file',
    directory,
    directoryUrl: scriptUrl.replace(/[^/]*$/, ''),
    file,
    stats: undefined,
    name,
    pathInfo,
    hasSlash: false,
    outside: undefined,
    source: true,
  }
  const base = program.handler === undefined ? directory : runningIn(directory)
  const handlers = [{ module: name, base, at: { file, line: 1 } }]
  state.content = { kind: 'handler', handlers, scriptUrl, pathInfo }
  state.user = environment['REMOTE_USER']
  state.authType = environment['AUTH_TYPE']
}
