import { isFinalStatus } from './api/status.ts'
import { badAnswer } from './modules/bad-answer.ts'
import type { RequestState } from './request-state.ts'
import { flush } from './send-response.ts'

/** A body with more bytes is sent as it comes, its length unknown. */
const KEPT = 64 * 1024

/**
 * Makes a returned Fetch `Response` the answer: its status, its headers in place of those with the same names, its cookies beside those that
 * are there, and its body after what was written. An error status gets no error document: the body is one. A short body that is there at once
 * gets its length; any other is sent as it comes, no faster than the client takes it, and a client that goes away cancels it.
 */
export async function takeResponse(state: RequestState, response: Response): Promise<void> {
  const { output } = state
  if (state.refusedBody !== undefined) throw state.refusedBody
  if (response.type === 'error') throw badAnswer(state, 'Response.error() is no answer')
  // a property that an app has given it
  if (!isFinalStatus(response.status))
    throw badAnswer(state, `expected a Response of 200 to 599, got ${response.status}`)
  if (response.bodyUsed || response.body?.locked)
    throw badAnswer(state, 'the body of the returned Response has been read before')
  if (output.flushed)
    throw badAnswer(state, 'a Response cannot be returned after a flush: its status and headers would be lost')
  // the document of an error keeps its status, unless it leads elsewhere
  if (state.errorStatus === undefined || response.status >= 300) output.status = response.status
  for (const [name, value] of response.headers)
    if (name === 'set-cookie') output.headers.add('Set-Cookie', value)
    else output.headers.set(name, value)
  // what fetch() brought has been decoded; and a length is that of the body alone
  const isDecoded = response.url !== '' && response.headers.has('content-encoding')
  if (isDecoded) output.headers.delete('content-encoding')
  if (isDecoded || !output.isEmpty) output.headers.delete('content-length')
  output.bringsHead = true
  if (response.body !== null) await sendBody(state, response.body.getReader())
}

async function sendBody(state: RequestState, reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
  // a read that is waiting ends with it
  const cancel = (): void => void reader.cancel(state.signal.reason).catch(() => {})
  state.signal.addEventListener('abort', cancel)
  try {
    await sendChunks(state, reader)
  } catch (error) {
    reader.cancel(error).catch(() => {})
    throw error
  } finally {
    state.signal.removeEventListener('abort', cancel)
  }
}

async function sendChunks(state: RequestState, reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
  let kept = 0
  for (;;) {
    const next = reader.read()
    // it may fail while the client takes what was before
    next.catch(() => {})
    if (kept >= KEPT || !(await isAtOnce(next))) {
      await flush(state)
      kept = 0
    }
    const { done, value } = await next
    if (done) return
    if (!(value instanceof Uint8Array))
      throw badAnswer(state, `expected bytes in the body of the Response, got ${typeof value}`)
    state.output.write(value)
    kept += value.length
  }
}

/** True for what is there within this turn of the event loop. */
const isAtOnce = (next: Promise<unknown>): Promise<boolean> =>
  Promise.race([next.then(() => true), new Promise<boolean>(resolve => setImmediate(resolve, false))])
