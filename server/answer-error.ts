import { ServerReturn } from './api/server-return.ts'
import { asciiUrl } from './ascii-url.ts'
import { beginPass } from './begin-pass.ts'
import { cutAnswer } from './cut-answer.ts'
import { errorNotes, writeErrorPage } from './error-document.ts'
import { isFailure, statusOf } from './error-status.ts'
import { passAgain } from './line.ts'
import { logError } from './logs/log-error.ts'
import { redirectPage } from './redirect-page.ts'
import type { RequestState } from './request-state.ts'
import { revertSessions } from './sessions-of.ts'

/** Turns what was thrown into an answer: a status that ends the request, or the document of an error. */
export async function answerError(state: RequestState, error: unknown): Promise<void> {
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

/** ErrorDocument's text, path or URL, else the built-in page, which also answers where the document itself fails. */
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
  // only the web server that runs us could answer another URL
  if (state.incoming.environment !== undefined) return
  try {
    await redirectInside(state, asciiUrl(document.path), status, error)
  } catch (failure) {
    if (failure instanceof ServerReturn && failure.status < 400) {
      // a document that redirects, to a login perhaps, keeps the status of that
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
