import { closeCreation, cookieOf, reserveId } from '../session/index.ts'
import { cutIfStuck, writeChunk } from './api/output.ts'
import { ServerReturn } from './api/server-return.ts'
import { DONE } from './api/status.ts'
import { adviseOnCookies } from './cookie-advice.ts'
import { endTogether } from './end-together.ts'
import { sendSlice } from './files/send-slice.ts'
import { applyHeaders } from './header-actions.ts'
import type { RequestState } from './request-state.ts'

/**
 * Sends what was written so far, the head first. From then on no session can be created, and a failure only cuts the connection.
 * A client that has gone away ends the request here, as in PHP: a handler that writes for ever would never notice.
 */
export async function flush(state: RequestState): Promise<void> {
  if (state.settled) throw new Error('the request is over: nothing more can be sent')
  if (state.closed) throw new ServerReturn(DONE, 'the client has gone away')
  if (!state.output.flushed) await (state.output.head ??= sendHead(state))
  const chunk = state.output.take()
  if (state.method === 'HEAD') return
  state.output.sentBytes += byteLength(chunk)
  await writeChunk(state.response, chunk, timeoutOf(state))
}

/** The head of an answer whose length nobody knows yet. An event stream lets its session go: it may last for hours. */
async function sendHead(state: RequestState): Promise<void> {
  const isEventStream = /^text\/event-stream\b/i.test(contentTypeOf(state) ?? '')
  const sessions = await Promise.all(state.sessions.map(({ session }) => session))
  if (isEventStream) for (const session of sessions) await session.release()
  for (const session of sessions) await reserveId(session)
  // the request may have ended meanwhile, by an error that nobody caught
  if (state.output.flushed || state.closed) return
  const head = headOf(state)
  for (const session of sessions) closeCreation(session)
  // a length that the author promised is kept, or the connection is cut
  if (state.output.headers.has('content-length')) state.response.strictContentLength = true
  state.response.writeHead(state.output.status, head)
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
  if (output.flushed) {
    const rest = output.take()
    if (state.method !== 'HEAD') output.sentBytes += byteLength(rest)
    response.end(state.method === 'HEAD' ? undefined : rest)
    cutIfStuck(response, timeoutOf(state))
    return
  }
  const { slice, status } = output
  const bodiless = status === 204 || status === 304
  const body = slice === undefined ? output.take() : ''
  // an author's length could only be wrong here, and the client would take a part of the next answer for this one's
  if (bodiless || output.isFile || state.method !== 'HEAD') output.headers.delete('content-length')
  const head = headOf(state, bodiless)
  const length = slice?.length ?? byteLength(body)
  if (!bodiless && !output.isFile && !output.headers.has('content-length')) head.push('Content-Length', String(length))
  if (!bodiless && state.method !== 'HEAD') output.sentBytes = length
  response.writeHead(status, head)
  output.flushed = true
  if (slice !== undefined) return sendSlice(slice, response, timeoutOf(state))
  endTogether(response, bodiless || state.method === 'HEAD' || body.length === 0 ? undefined : body, timeoutOf(state))
}

/** How long a client may take nothing of its answer, in ms; 0: for ever. */
const timeoutOf = ({ site }: RequestState): number => site.config.directives.Timeout * 1000

const byteLength = (chunk: string | Uint8Array): number =>
  typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length

/** Name and value in turn: a file's own fields, the author's headers, the content type, what the sessions ask for, then what `Header` lines say. */
function headOf(state: RequestState, bodiless = false): string[] {
  const { output } = state
  for (const { session, usesUrl } of state.sessions) {
    if (usesUrl) keepUrlSecret(state)
    const cookie = session instanceof Promise ? undefined : cookieOf(session)
    if (cookie !== undefined) output.headers.add('Set-Cookie', cookie)
  }
  // how the body is framed is the server's matter
  output.headers.delete('transfer-encoding')
  const type = bodiless || output.headers.has('content-type') ? undefined : contentTypeOf(state)
  if (state.plan.directives.Header.length > 0) {
    for (let at = 0; at < output.prepared.length; at += 2)
      output.headers.add(output.prepared[at]!, output.prepared[at + 1]!)
    output.prepared = []
    if (type !== undefined) output.headers.set('Content-Type', type)
    applyHeaders(state)
  }
  if (state.site.development) adviseOnCookies(state)
  const head = [...output.prepared]
  if (type !== undefined && state.plan.directives.Header.length === 0) head.push('Content-Type', type)
  output.headers.appendTo(head)
  return head
}

/** An id in the URL is kept by no cache, and told to no other site: whatever the author said of them (DESIGN 7). */
function keepUrlSecret({ output }: RequestState): void {
  output.headers.set('Referrer-Policy', 'no-referrer')
  output.headers.set('Cache-Control', 'no-store')
}

/** A handler's page is HTML unless it says otherwise; a file has its own type or none. */
const contentTypeOf = ({ output }: RequestState): string | undefined =>
  output.headers.get('content-type') ?? output.contentType ?? (output.isFile ? undefined : 'text/html; charset=utf-8')
