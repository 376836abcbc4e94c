import { bodyOf } from '../input/body-reader.ts'
import { hasBody } from '../input/has-body.ts'
import { InputRefusal } from '../input/input-refusal.ts'
import type { RequestState } from '../request-state.ts'

/**
 * The request as a Fetch `Request`; `url` is absolute, as the client sees it. The body is streamed, each piece when it is asked for, at
 * most LimitRequestBody of it; where it was read before, as a form, it is a stream that fails and says so.
 */
export function fetchRequest(state: RequestState, url: string): globalThis.Request {
  const { raw, method } = state
  const headers = new Headers()
  for (let at = 0; at < raw.rawHeaders.length; at += 2) headers.append(raw.rawHeaders[at]!, raw.rawHeaders[at + 1]!)
  const init = { method, headers, signal: state.signal }
  if (!hasBody(state) || method === 'GET' || method === 'HEAD') return new globalThis.Request(url, init)
  const withBody = { ...init, body: streamOf(state), duplex: 'half' as const }
  return new globalThis.Request(url, withBody)
}

/** Nothing is read before it is asked for. */
const streamOf = (state: RequestState): ReadableStream<Uint8Array> =>
  new ReadableStream(
    {
      async pull(stream) {
        try {
          const chunk = await bodyOf(state).readSome()
          if (chunk.length === 0) stream.close()
          else stream.enqueue(chunk)
        } catch (error) {
          if (error instanceof InputRefusal) state.refusedBody = error
          throw error
        }
      },
    },
    { highWaterMark: 0 },
  )
