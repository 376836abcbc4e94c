import { basename, join, relative, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as passed } from 'node:timers/promises'
import { inspect } from 'node:util'
import { DirectivesError } from '../../directives/index.ts'
import { closeLoaders, onReport, type SessionImplementation } from '../../session/index.ts'
import { answerContent } from '../answer-content.ts'
import type { Cookies } from '../api/cookies.ts'
import { InternalRedirect } from '../api/internal-redirect.ts'
import { type Request, requestOf } from '../api/request.ts'
import { asciiUrl } from '../ascii-url.ts'
import { loadAuthorCookies } from '../author-cookies.ts'
import { Launcher } from '../cgi/launcher.ts'
import { errorPage, isFailure } from '../error-document.ts'
import { createErrorLog } from '../logs/error-log.ts'
import { createLogFile } from '../logs/log-file.ts'
import { makeSite } from '../make-site.ts'
import { invalidate, realFile } from '../modules/module-graph.ts'
import { isDevelopment } from '../process/development.ts'
import { guardProcessExit } from '../process/process-exit.ts'
import { ConfigError } from '../process/server-ini.ts'
import { prepareStateDirectory, StateDirectoryError } from '../process/state-directory.ts'
import { onStopSignal } from '../process/stop-signals.ts'
import { requestContext } from '../request-context.ts'
import { RequestState } from '../request-state.ts'
import { failRequest, serveRequest } from '../serve-request.ts'
import type { Site } from '../site.ts'
import { configure, fixup, input, type Step } from '../steps.ts'
import { type CgiEnvironment, isRunByServer } from './cgi-environment.ts'
import { type CgiIncoming, cgiIncoming } from './cgi-incoming.ts'
import { CgiResponse } from './cgi-response.ts'
import { programConfig } from './program-config.ts'

/** A handler that is run as a program. */
export interface Program {
  /** As it was named: which directory configures it, and which service it is by default, is a matter of its name, not of where a link leads. */
  readonly file: string
  /** In place of what the file exports. */
  readonly handler?: (request: Request) => unknown
  /** The class of its session, where no line names fixup functions. */
  readonly implementation?: SessionImplementation | undefined
  readonly dev?: boolean
  readonly production?: boolean
}

/** How long a handler may take to end when it is told to stop. */
const SETTLE_MS = 5000

/**
 * Answers the one request that the environment and standard input hold, on standard output: by the steps of a server from the
 * configuration on, since what URL leads where, and who may have it, the web server has decided. Resolves, when the log phase is through,
 * to the exit status: 0, or 1 where the answer is an error or nobody took all of it. The process is this program's own.
 */
export async function runAsProgram(program: Program): Promise<number> {
  const environment = definedIn(process.env)
  const isTerminal = process.stdout.isTTY === true
  const response = new CgiResponse(takeStandardOutput(), isRunByServer(environment))
  const incoming = cgiIncoming(environment, () => process.stdin)
  const over = Promise.withResolvers<void>()
  let state: RequestState
  try {
    const cookies = await loadAuthorCookies()
    state = stateOf({ ...program, file: resolve(program.file) }, incoming, response, isTerminal, cookies, over.resolve)
  } catch (error) {
    return refuse(response, incoming, error)
  }
  const fail = (error: unknown): void => {
    trace(error)
    void failRequest(state, error)
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  // nothing is left that could go on
  process.on('beforeExit', () => {
    if (state.settled) over.resolve()
    else fail(new Error(`${state.running ?? program.file} never ends: nothing is left that it could wait for`))
  })
  // the web server takes nothing any more: as when a client has gone away
  onStopSignal(() => {
    response.destroy()
    setTimeout(() => process.exit(1), SETTLE_MS).unref()
  })
  guardProcessExit()
  const served: Promise<void> = requestContext.run(state, serveRequest, state, [answer(program)])
  void served.then(() => incoming.raw.discard())
  await over.promise
  if (!state.isAborted) await takeRest(incoming)
  await closeLoaders(state.site.owner)
  return state.output.status >= 500 || state.isAborted ? 1 : 0
}

const definedIn = (environment: NodeJS.ProcessEnv): CgiEnvironment =>
  Object.fromEntries(Object.entries(environment).filter((pair): pair is [string, string] => pair[1] !== undefined))

/** Standard output is the answer's alone: what else is written there, by `console.log` above all, goes to standard error. */
function takeStandardOutput(): Writable {
  const out = process.stdout
  Object.defineProperty(process, 'stdout', { get: () => process.stderr })
  // a console that has written before keeps the stream that it found
  Object.assign(console, { _stdout: process.stderr })
  return out
}

/** No request can be made of it: a bare page, and the reason on standard error. */
async function refuse(response: CgiResponse, incoming: CgiIncoming, error: unknown): Promise<number> {
  const isKnown = error instanceof ConfigError || error instanceof StateDirectoryError
  console.error(isKnown ? `pso: ${error.message}` : error)
  response.writeHead(500, ['Content-Type', 'text/html; charset=utf-8'])
  await new Promise(resolve => response.once('close', resolve).end(errorPage(500)))
  await takeRest(incoming)
  return 1
}

/** What is left of the body, as long as a client may take to end when its server stops. */
const takeRest = ({ raw }: CgiIncoming): Promise<void> =>
  Promise.race([raw.discard(), passed(SETTLE_MS, undefined, { ref: false })])

function stateOf(
  program: Program,
  incoming: CgiIncoming,
  response: CgiResponse,
  isTerminal: boolean,
  cookies: Cookies,
  onEnd: () => void,
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
    prefix: '',
    owner: {},
    launcher: new Launcher(),
    previous: undefined,
  })
  const state = new RequestState(withHandler(site, program, directory), incoming, response)
  place(state, program, directory, environment)
  return state
}

/** The function that the running file has given itself stands in place of the file. What its directory's lines name of it is another module. */
function withHandler(site: Site, { file, handler }: Program, directory: string): Site {
  if (handler === undefined) return site
  invalidate(realFile(file))
  const { modules } = site
  const load: typeof modules.load = (base, module) =>
    base === runningIn(directory) ? { handler } : modules.load(base, module)
  return { ...site, modules: { ...modules, load } }
}

/** The program's directory where its own function is meant: no line has a base with a slash at its end. */
const runningIn = (directory: string): string => `${directory}/`

/** What `locate` and `choose` find for a server: here the web server has found it. */
function place(state: RequestState, program: Program, directory: string, environment: CgiEnvironment): void {
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

/** The steps of `serve-request.ts` that are a program's. Errors go to standard error whole, a redirect inside to the web server. */
function answer({ implementation }: Program): Step {
  const steps: readonly Step[] = [
    configure, //      its chain -> Merged -> Plan              500
    input, //          a form's body, before any lock           400 408 413
    implementation === undefined ? fixup : fixupWith(implementation),
    answerContent,
  ]
  return async state => {
    try {
      for (const step of steps) await step(state)
    } catch (error) {
      if (error instanceof InternalRedirect) return leaveTo(state, error.url)
      trace(error)
      throw error
    }
  }
}

/** As the how-to's `run(handler, sessionImpl)`; fixup functions of the directory go first. */
const fixupWith =
  (implementation: SessionImplementation): Step =>
  state =>
    state.plan.ownFixup ? fixup(state) : requestOf(state).pso().openSession(implementation)

/** A Location that is a path, without a Status: the web server answers that URL in place of this one (RFC 3875 6.2.2). */
function leaveTo({ output }: RequestState, url: string): void {
  if (output.flushed) throw new Error(`an internal redirect to ${url}: a part of the answer has left before`)
  output.discard()
  output.status = 200
  output.headers.set('Location', asciiUrl(url))
}

/** The traceback, which a program has nowhere else; the error log has the line with its place. */
function trace(error: unknown): void {
  if (isFailure(error) && !(error instanceof DirectivesError)) console.error(inspect(error))
}
