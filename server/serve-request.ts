import { answerContent } from './answer-content.ts'
import { InternalRedirect } from './api/internal-redirect.ts'
import { ServerReturn } from './api/server-return.ts'
import { asciiUrl } from './ascii-url.ts'
import { beginPass } from './begin-pass.ts'
import { cutAnswer } from './cut-answer.ts'
import { endRequest } from './end-request.ts'
import { errorNotes, isFailure, isOutage, logText, redirectPage, statusOf, writeErrorPage } from './error-document.ts'
import { InputRefusal } from './input/input-refusal.ts'
import { urlForLogs } from './logs/url-for-logs.ts'
import type { RequestState } from './request-state.ts'
import { sendResponse } from './send-response.ts'
import { abandonSessions, finishSessions, revertSessions } from './sessions-of.ts'
import {
  authen,
  checkLimits,
  choose,
  configure,
  fixup,
  input,
  locate,
  phase,
  refuseOutside,
  requireAccess,
  type Step,
} from './steps.ts'

/** Who may have what a URL leads to. */
const judge: readonly Step[] = [
  refuseOutside, //          links out of the document root           403
  phase('HeaderParser'),
  phase('Access'),
  requireAccess, //          Require                                  403
  authen, //                 OK without a user                        500
  phase('Authz'),
]

/** From a URL to its answer: what an internal redirect walks again. */
const pass: readonly Step[] = [
  locate, //                 raw URL -> Location                      400 403 404
  configure, //              its chain -> Merged -> Plan              500 in that subtree
  choose, //                 DESIGN 4: what answers
  ...judge,
  state => follow(state), // an index or a fallback, judged by its own plan too
  phase('Type'),
  input, //                  a form's body, before any lock           400 408 413
  fixup, //                  pso::fixup: session loaded and locked
  answerContent, //          handlers, file, listing, redirect
]

const line: readonly Step[] = [checkLimits, phase('PostReadRequest'), phase('Trans'), ...pass]

/**
 * Takes a request from its first byte to its answer; `endRequest` follows when the response has closed too. Never rejects.
 * The session is saved before the last byte leaves, whatever the answer is; only an error that nobody caught leaves it as it was.
 * `steps`: those of a program that a web server runs.
 */
export async function serveRequest(state: RequestState, steps: readonly Step[] = line): Promise<void> {
  state.site.underWay.begin()
  state.response.on('close', () => {
    state.close()
    if (state.settled) endRequest(state)
    else tellUnsettled(state)
  })
  try {
    for (const step of steps) {
      const pending = step(state)
      if (pending instanceof Promise) await pending
    }
  } catch (error) {
    try {
      if (!state.settled) await answerThrown(state, error)
    } catch (failure) {
      await giveUp(state, failure)
    }
  }
  if (!state.settled) await finish(state)
  // answered meanwhile, by failRequest: a file that was opened since has nobody who takes it
  else state.output.discard()
}

/** A handler that never returns waits for nobody once its client has gone away: nothing ends it, and the log says who it is. */
function tellUnsettled(state: RequestState): void {
  const seconds = state.site.config.directives.Timeout
  if (seconds === 0) return
  const tell = (): void => {
    const who = state.running ?? 'its handler'
    const message = `${state.method} ${urlForLogs(state)}: ${who} has not returned ${seconds} s after the client went away`
    state.site.errorLog.write('error', message, state)
  }
  state.unsettled = setTimeout(tell, seconds * 1000).unref()
}

async function answerThrown(state: RequestState, error: unknown): Promise<void> {
  if (!(error instanceof InternalRedirect)) return answerError(state, error)
  try {
    await redirectTo(state, error)
  } catch (failure) {
    await answerError(state, failure)
  }
}

/** Answers another URL in place of this one, as if nothing had been said of the answer; cookies, headers and what was written stay. */
async function redirectTo(state: RequestState, { url, asGet }: InternalRedirect): Promise<void> {
  const { output } = state
  beginPass(state, url, output.status, asGet ? [['REDIRECT_REQUEST_METHOD', state.method]] : [])
  if (asGet && state.method !== 'HEAD') state.method = 'GET'
  if (!output.flushed) {
    output.status = 200
    output.contentType = undefined
  }
  await passAgain(state)
}

/** Walks from the URL to its answer again, and once more where that is redirected inside; ten rounds at most. */
async function passAgain(state: RequestState): Promise<void> {
  let rounds = 1
  for (let before = state.previous; before?.previous !== undefined; before = before.previous) rounds++
  if (rounds > 10) throw new Error(`req.internalRedirect leads to itself: ${state.url}`)
  try {
    for (const step of pass) await step(state)
  } catch (error) {
    if (!(error instanceof InternalRedirect)) throw error
    await redirectTo(state, error)
  }
}

/**
 * An index and a fallback answer in place of what was asked for, with their own configuration; ten rounds at most. They come after the
 * judgement of what was asked for: a closed place stays closed, whatever would answer for it (Apache's mod_dir).
 */
function follow(state: RequestState, first = 0): void | Promise<void> {
  for (let round = first; round < 10; round++) {
    const { content, plan } = state
    if (content!.kind !== 'index' && content!.kind !== 'fallback') return
    state.url = content!.path
    locate(state)
    configure(state)
    choose(state)
    if (state.plan !== plan) return judgeAndFollow(state, round + 1)
    refuseOutside(state)
  }
  throw new Error('DirectoryIndex or FallbackResource leads to itself')
}

async function judgeAndFollow(state: RequestState, round: number): Promise<void> {
  for (const step of judge) await step(state)
  await follow(state, round)
}

/** An error that arrived from nowhere while the request was being served: it is answered, though its handler may never settle. */
export async function failRequest(state: RequestState, error: unknown): Promise<void> {
  if (state.settled) logError(state, error, 500)
  else await giveUp(state, error)
}

/** Saves the session, then sends what there is. A save that fails takes back the answer; after a flush it cuts the connection. */
async function finish(state: RequestState): Promise<void> {
  try {
    if (state.output.head !== undefined) await state.output.head
    if (state.output.sending !== undefined) await state.output.sending
    const saved = finishSessions(state)
    if (saved !== undefined) await saved
    if (state.settled) return
    settle(state)
    const sent = sendResponse(state)
    if (sent !== undefined) await sent
  } catch (error) {
    await giveUp(state, error)
  }
}

/** No error document can help any more: the built-in page, or the connection is cut. */
async function giveUp(state: RequestState, error: unknown): Promise<void> {
  const status = statusOf(error)
  logError(state, error, status)
  await abandonSessions(state)
  if (state.output.flushed) cutAnswer(state, status)
  else {
    try {
      writeErrorPage(state, status, error)
      void sendResponse(state)
    } catch (failure) {
      // the head itself is what cannot be sent
      logError(state, failure, 500)
      cutAnswer(state, 500)
    }
  }
  settle(state)
}

function settle(state: RequestState): void {
  if (state.settled) return
  state.settled = true
  clearTimeout(state.unsettled)
  if (state.closed) endRequest(state)
}

/** Turns what was thrown into an answer: a status that ends the request, or the document of an error. */
async function answerError(state: RequestState, error: unknown): Promise<void> {
  if (error instanceof ServerReturn && error.status < 400) {
    if (error.status >= 200) state.output.status = error.status
    return
  }
  const status = statusOf(error)
  logError(state, error, status)
  if (isFailure(error)) await revertSessions(state)
  // a flush that nobody awaited: what it promised to the client stands
  if (state.output.head !== undefined) await state.output.head.catch(() => {})
  if (state.output.flushed) return cutAnswer(state, status)
  await answerDocument(state, status, error)
}

/** ErrorDocument's text, path or URL, else the built-in page. A document that fails itself is answered by the built-in page. */
async function answerDocument(state: RequestState, status: number, error: unknown): Promise<void> {
  const document = state.plan.problems.length > 0 ? undefined : state.plan.directives.ErrorDocument.get(status)
  writeErrorPage(state, status, error)
  if (document === undefined || document.type === 'default' || state.errorStatus !== undefined) return
  if (document.type === 'text') {
    state.output.discard()
    state.output.write(document.text)
    return
  }
  if (document.type === 'url') {
    state.output.discard()
    state.output.status = 302
    const url = asciiUrl(document.url)
    state.output.headers.set('Location', url)
    state.output.write(redirectPage(302, url))
    return
  }
  // another URL is for the web server to answer that runs us
  if (state.incoming.environment !== undefined) return
  try {
    await redirectInside(state, asciiUrl(document.path), status, error)
  } catch (failure) {
    if (failure instanceof ServerReturn && failure.status < 400) {
      // a document that leads elsewhere, such as to a login, has that for its status
      if (failure.status >= 300) state.output.status = failure.status
      return
    }
    logError(state, failure, statusOf(failure))
    if (isFailure(failure)) await revertSessions(state)
    if (!state.output.flushed) writeErrorPage(state, status, error)
  }
}

/** Walks the line again for the document of an error, as GET; the status stays the error's. */
async function redirectInside(state: RequestState, path: string, status: number, error: unknown): Promise<void> {
  const notes = errorNotes(state, error)
  beginPass(state, path, status, [
    ['REDIRECT_REQUEST_METHOD', state.method],
    ...(notes === undefined ? [] : [['REDIRECT_ERROR_NOTES', notes] as const]),
  ])
  if (state.method !== 'HEAD') state.method = 'GET'
  state.errorStatus = status
  state.output.discard()
  state.output.contentType = undefined
  await passAgain(state)
}

function logError(state: RequestState, error: unknown, status: number): void {
  // an outage of a store is said once (`onReport`), not for each request that meets it
  const level = (status >= 500 && !isOutage(error)) || error instanceof InputRefusal ? 'error' : 'info'
  state.site.errorLog.write(
    level,
    `${state.method} ${urlForLogs(state)} ${status}: ${logText(error, state.running)}`,
    state,
  )
}
