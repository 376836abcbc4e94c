import { closeCreation, cookieOf, reserveId } from '../session/index.ts'
import { isSlice, lengthOf } from './api/output.ts'
import { ServerReturn } from './api/server-return.ts'
import { DONE } from './api/status.ts'
import { adviseOnCookies } from './cookie-advice.ts'
import { endTogether } from './end-together.ts'
import { sendSlice } from './files/send-slice.ts'
import { applyHeaders } from './header-actions.ts'
import { dropHopByHop } from './hop-by-hop.ts'
import { leaveBody } from './input/leave-body.ts'
import type { RequestState } from './request-state.ts'
import { cutIfStuck, writeChunk } from './write-chunk.ts'

/**
 * Sends what was written so far, the head first. From then on no session can be created, and a failure only cuts the connection.
 * A client that has gone away ends the request here, and so does HEAD once its head has left, both as in PHP: a handler that writes for ever
 * would never notice, and where nothing is sent nothing slows it down.
 */
export async function flush(state: RequestState): Promise<void> {
  const { output } = state
  if (state.settled) throw new Error('the request is over: nothing more can be sent')
  if (state.closed) throw new ServerReturn(DONE, 'the client has gone away')
  if (!output.flushed) await (output.head ??= sendHead(state))
  if (state.method === 'HEAD') {
    output.discard()
    throw new ServerReturn(DONE, 'the head is all that was asked for')
  }
  // a client that has all promised bytes has the answer: the session is saved before the last of them leaves
  if (output.promised !== undefined && output.sentBytes + output.length >= output.promised) return
  if (output.sending === undefined && output.hasSlices) output.sending = sendPieces(state)
  if (output.sending !== undefined) return output.sending
  const chunk = output.take() as string | Uint8Array
  output.sentBytes += lengthOf(chunk)
  await writeChunk(state.response, chunk, timeoutOf(state))
}

/** Sends all that was written, piece by piece, and what is written meanwhile. A failure stays in `output.sending`, for the next caller. */
async function sendPieces(state: RequestState): Promise<void> {
  const { output, response } = state
  while (!output.isEmpty && !response.destroyed) {
    const piece = output.take()
    output.sentBytes += lengthOf(piece)
    if (isSlice(piece)) await sendSlice(piece, response, timeoutOf(state))
    else await writeChunk(response, piece, timeoutOf(state))
  }
  output.sending = undefined
}

/** Sends the head of an answer whose length nobody knows yet. An event stream releases its session: it may last for hours. */
async function sendHead(state: RequestState): Promise<void> {
  const isEventStream = /^text\/event-stream\b/i.test(contentTypeOf(state) ?? '')
  const sessions = await Promise.all(state.sessions.map(({ session }) => session))
  if (isEventStream) for (const session of sessions) await session.release()
  for (const session of sessions) await reserveId(session)
  // the request may have ended meanwhile, by an error that nobody caught
  if (state.output.flushed || state.closed) return
  const head = headOf(state)
  for (const session of sessions) closeCreation(session)
  // if the author promised a length and the body has another one, the connection is cut
  const promised = state.output.headers.get('content-length')
  if (promised !== undefined) {
    state.output.promised = Number(promised)
    state.response.strictContentLength = true
  }
  state.response.writeHead(state.output.status, head)
  state.output.headers.close()
  state.output.flushed = true
  state.response.flushHeaders()
}

/**
 * Sends the complete answer, or the rest of one that was flushed; the session has been saved by now.
 * A promise only for a file that is streamed.
 */
export function sendResponse(state: RequestState): void | Promise<void> {
  const { output, response } = state
  if (state.closed) return output.discard()
  leaveBody(state)
  if (output.flushed) {
    if (state.method === 'HEAD') output.discard()
    if (output.hasSlices) return sendRest(state)
    const rest = output.take() as string | Uint8Array
    output.sentBytes += lengthOf(rest)
    response.end(rest)
    cutIfStuck(response, timeoutOf(state))
    return
  }
  const { status, hasSlices } = output
  const bodiless = status === 204 || status === 304
  const body = hasSlices ? '' : (output.take() as string | Uint8Array)
  // an author's length could only be wrong here, and the client would take a part of the next answer for this one's
  if (bodiless || output.isFile || state.method !== 'HEAD') output.headers.delete('content-length')
  const head = headOf(state, bodiless)
  const length = hasSlices ? output.length : lengthOf(body)
  const isUnknown = output.bringsHead && state.method === 'HEAD' && length === 0
  if (!bodiless && !output.isFile && !isUnknown && !output.headers.has('content-length'))
    head.push('Content-Length', String(length))
  response.writeHead(status, head)
  output.headers.close()
  output.flushed = true
  if (bodiless || state.method === 'HEAD') output.discard()
  if (output.hasSlices) {
    output.promised = length
    return sendRest(state)
  }
  if (!bodiless && state.method !== 'HEAD') output.sentBytes = length
  endTogether(response, bodiless || state.method === 'HEAD' || body.length === 0 ? undefined : body, timeoutOf(state))
}

async function sendRest(state: RequestState): Promise<void> {
  const { output, response } = state
  await sendPieces(state)
  if (response.destroyed) return output.discard()
  response.end()
  cutIfStuck(response, timeoutOf(state))
}

/** How long a client may take nothing of its answer, in ms; 0: for ever. */
const timeoutOf = ({ site }: RequestState): number => site.config.directives.Timeout * 1000

/**
 * The head, name and value in turn: a file's own fields, the author's headers, the content type, the sessions' cookies, then what `Header`
 * lines change.
 */
function headOf(state: RequestState, bodiless = false): string[] {
  const { output } = state
  for (const { session, usesUrl } of state.sessions) {
    if (usesUrl) keepUrlSecret(state)
    const cookie = session instanceof Promise ? undefined : cookieOf(session)
    if (cookie !== undefined) output.headers.add('Set-Cookie', cookie)
  }
  const type = bodiless || output.headers.has('content-type') ? undefined : contentTypeOf(state)
  if (state.plan.directives.Header.length > 0) {
    for (let at = 0; at < output.prepared.length; at += 2)
      output.headers.add(output.prepared[at]!, output.prepared[at + 1]!)
    output.prepared = []
    if (type !== undefined) output.headers.set('Content-Type', type)
    applyHeaders(state)
  }
  if (!output.headers.isEmpty) dropHopByHop(output.headers)
  if (state.site.development) adviseOnCookies(state)
  const head = [...output.prepared]
  if (type !== undefined && state.plan.directives.Header.length === 0) head.push('Content-Type', type)
  output.headers.appendTo(head)
  return head
}

/** A page with an id in its URL is kept by no cache and named to no other site, whatever headers the author set (DESIGN 7). */
function keepUrlSecret({ output }: RequestState): void {
  output.headers.set('Referrer-Policy', 'no-referrer')
  output.headers.set('Cache-Control', 'no-store')
}

/** A handler's page is HTML unless it says otherwise; a file has its own type or none. */
function contentTypeOf({ output }: RequestState): string | undefined {
  const said = output.headers.get('content-type') ?? output.contentType
  if (said !== undefined || output.isFile || output.bringsHead) return said
  const { onlySlice } = output
  return onlySlice === undefined ? 'text/html; charset=utf-8' : onlySlice.type
}
