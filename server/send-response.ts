import { closeCreation, cookieOf } from '../session/index.ts'
import { sendSlice } from './handlers/static-file.ts'
import { applyHeaders } from './header-actions.ts'
import { writeChunk } from './output.ts'
import type { RequestState } from './request-state.ts'

/** Sends what was written so far, the head first. From then on no session can be created, and a failure only cuts the connection. */
export async function flush(state: RequestState): Promise<void> {
  if (state.closed) return
  if (!state.output.flushed) await sendHead(state)
  const chunk = state.output.take()
  if (state.method !== 'HEAD') await writeChunk(state.response, chunk)
}

/** The head of an answer whose length nobody knows yet. An event stream lets its session go: it may last for hours. */
async function sendHead(state: RequestState): Promise<void> {
  const isEventStream = /^text\/event-stream\b/i.test(contentTypeOf(state) ?? '')
  const sessions = await Promise.all(state.sessions.map(({ session }) => session))
  if (isEventStream) for (const session of sessions) await session.release()
  const head = headOf(state)
  for (const session of sessions) closeCreation(session)
  state.output.flushed = true
  state.response.writeHead(state.output.status, head)
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
    response.end(state.method === 'HEAD' ? undefined : output.take())
    return
  }
  const { slice, status } = output
  const bodiless = status === 204 || status === 304
  const body = slice === undefined ? output.take() : ''
  const head = headOf(state, bodiless)
  if (!bodiless && !output.headers.has('content-length'))
    head.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length))
  output.flushed = true
  response.writeHead(status, head)
  if (slice !== undefined) return sendSlice(slice, response)
  if (bodiless || state.method === 'HEAD' || body.length === 0) response.end()
  else response.end(body)
}

/** Name and value in turn: the author's headers, the content type, the sessions' cookies, then what `Header` lines say. */
function headOf(state: RequestState, bodiless = false): string[] {
  const { output } = state
  for (const { session } of state.sessions) {
    const cookie = session instanceof Promise ? undefined : cookieOf(session)
    if (cookie !== undefined) output.headers.add('Set-Cookie', cookie)
  }
  const type = contentTypeOf(state)
  if (type !== undefined && !bodiless && !output.headers.has('content-type')) output.headers.set('Content-Type', type)
  applyHeaders(state)
  const head: string[] = []
  output.headers.appendTo(head)
  return head
}

/** A handler's page is HTML unless it says otherwise; an empty answer of a file or a redirect has no type. */
function contentTypeOf(state: RequestState): string | undefined {
  const { output } = state
  return output.headers.get('content-type') ?? output.contentType ?? (output.slice === undefined && !isFile(state) ? 'text/html; charset=utf-8' : undefined)
}

const isFile = (state: RequestState): boolean => state.content?.kind === 'static' && state.errorStatus === undefined
