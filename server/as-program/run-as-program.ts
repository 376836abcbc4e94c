import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as passed } from 'node:timers/promises'
import { closeLoaders } from '../../session/index.ts'
import { loadAuthorCookies } from '../author-cookies.ts'
import { errorPage } from '../error-document.ts'
import { guardProcessExit } from '../process/process-exit.ts'
import { ConfigError } from '../process/server-ini.ts'
import { StateDirectoryError } from '../process/state-directory.ts'
import { onStopSignal } from '../process/stop-signals.ts'
import { requestContext } from '../request-context.ts'
import type { RequestState } from '../request-state.ts'
import { failRequest, serveRequest } from '../serve-request.ts'
import { type CgiEnvironment, isRunByServer } from './cgi-environment.ts'
import { type CgiIncoming, cgiIncoming } from './cgi-incoming.ts'
import { CgiResponse } from './cgi-response.ts'
import type { HandlerProgram } from './handler-program.ts'
import { programState } from './program-state.ts'
import { programStep } from './program-step.ts'
import { trace } from './trace.ts'

/** How long a handler may take to end when it is told to stop. */
const SETTLE_MS = 5000

/**
 * Answers the one request that the environment and standard input hold, on standard output. It takes the steps of a server from the
 * configuration on: the web server has already decided where the URL leads and who may have it. Resolves, when the log phase is through,
 * to the exit status: 0, or 1 if the answer is an error or was not taken whole. The process is this program's own.
 */
export async function runAsProgram(program: HandlerProgram): Promise<number> {
  const environment = definedIn(process.env)
  const isTerminal = process.stdout.isTTY === true
  const response = new CgiResponse(takeStandardOutput(), isRunByServer(environment))
  const incoming = cgiIncoming(environment, () => process.stdin)
  const over = Promise.withResolvers<void>()
  let state: RequestState
  try {
    const cookies = await loadAuthorCookies()
    const absolute = { ...program, file: resolve(program.file) }
    state = programState(absolute, { incoming, response, isTerminal, cookies, onEnd: over.resolve })
  } catch (error) {
    return refuse(response, incoming, error)
  }
  const fail = (error: unknown): void => {
    trace(error)
    void failRequest(state, error)
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  // nothing is left to run
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
  const served: Promise<void> = requestContext.run(state, serveRequest, state, [programStep(program)])
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

/** There is no configuration to serve the request by: a bare page, and the reason on standard error. */
async function refuse(response: CgiResponse, incoming: CgiIncoming, error: unknown): Promise<number> {
  const isKnown = error instanceof ConfigError || error instanceof StateDirectoryError
  console.error(isKnown ? `pso: ${error.message}` : error)
  response.writeHead(500, ['Content-Type', 'text/html; charset=utf-8'])
  await new Promise(resolve => response.once('close', resolve).end(errorPage(500)))
  await takeRest(incoming)
  return 1
}

/** Reads the rest of the body, for at most `SETTLE_MS`. */
const takeRest = ({ raw }: CgiIncoming): Promise<void> =>
  Promise.race([raw.discard(), passed(SETTLE_MS, undefined, { ref: false })])
