import { setTimeout as passed } from 'node:timers/promises'
import { answerError } from './answer-error.ts'
import { InternalRedirect } from './api/internal-redirect.ts'
import { cutAnswer } from './cut-answer.ts'
import { endRequest } from './end-request.ts'
import { writeErrorPage } from './error-document.ts'
import { statusOf } from './error-status.ts'
import { line, redirectTo } from './line.ts'
import { logError } from './logs/log-error.ts'
import type { RequestState } from './request-state.ts'
import { sendResponse } from './send-response.ts'
import { abandonSessions, finishSessions } from './sessions-of.ts'
import type { Step } from './steps.ts'

/** How long an answer that failed waits for its sessions to be let go: what they wait for may never come. */
const LET_GO_MS = 1000

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
  })
  try {
    for (const step of steps) {
      const pending = step(state)
      if (pending instanceof Promise) {
        await pending
        // answered meanwhile, by failRequest: nothing of it goes on
        if (state.settled) break
      }
    }
  } catch (error) {
    try {
      if (!state.settled) await answerThrown(state, error)
    } catch (failure) {
      if (!state.settled) await giveUp(state, failure)
    }
  }
  if (!state.settled) await finish(state)
  // answered meanwhile, by failRequest: a file that was opened since has nobody who takes it
  else state.output.discard()
}

async function answerThrown(state: RequestState, error: unknown): Promise<void> {
  if (!(error instanceof InternalRedirect)) return answerError(state, error)
  try {
    await redirectTo(state, error)
  } catch (failure) {
    if (!state.settled) await answerError(state, failure)
  }
}

/** An error from elsewhere than the line, while the request was being served: it is answered, though its handler may never settle. */
export async function failRequest(state: RequestState, error: unknown): Promise<void> {
  if (state.settled) return logError(state, error, 500)
  state.abandon()
  await giveUp(state, error)
}

/** Saves the session, then sends what there is. A save that fails takes back the answer; after a flush it cuts the connection. */
async function finish(state: RequestState): Promise<void> {
  try {
    if (state.output.head !== undefined) await state.output.head
    if (state.output.sending !== undefined) await state.output.sending
    const saved = finishSessions(state)
    if (saved !== undefined) await state.site.patience.wait(state, saved)
    if (state.settled) return
    settle(state)
    const sent = sendResponse(state)
    if (sent !== undefined) await sent
  } catch (error) {
    if (!state.isAbandoned) await giveUp(state, error)
  }
}

/** No error document can help any more: the built-in page, or the connection is cut. */
async function giveUp(state: RequestState, error: unknown): Promise<void> {
  const status = statusOf(error)
  logError(state, error, status)
  state.output.status = status
  const abandoned = abandonSessions(state)
  // whatever a handler still does comes too late
  settle(state)
  await Promise.race([abandoned, passed(LET_GO_MS)])
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
}

function settle(state: RequestState): void {
  if (state.settled) return
  state.settled = true
  if (state.closed) endRequest(state)
}
