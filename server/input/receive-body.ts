import type { RequestState } from '../request-state.ts'
import { MOST_TEXT } from './body-limits.ts'
import { askForBody } from './expect-continue.ts'
import { InputRefusal } from './input-refusal.ts'

/** What a client must send at least of its body, counted over each Timeout: the MinRate of Apache's mod_reqtimeout. */
const BYTES_PER_SECOND = 500

/** A body on its way. */
export interface Receiving {
  /** Resolves when all of it has come; rejects with an InputRefusal, what `take` threw, or what it was stopped with. */
  readonly done: Promise<void>
  /** Nothing more of it is taken. */
  stop(error: unknown): void
}

/**
 * Hands each piece of a request's body to `take`, which may pause the request. More than LimitRequestBody is 413, a client that sends
 * too slowly while nobody has paused it 408, one that goes away 400.
 */
export function receiveBody(state: RequestState, take: (chunk: Buffer) => void): Receiving {
  const { raw, site } = state
  const limit = state.plan.directives.LimitRequestBody
  const timeout = site.config.directives.Timeout
  let size = 0
  let sizeBefore = 0
  let timer: NodeJS.Timeout | undefined
  let settle: (error?: unknown) => void

  function onData(chunk: Buffer): void {
    size += chunk.length
    if (limit > 0 && size > limit)
      return settle(new InputRefusal(413, `the body has more than ${limit} bytes (LimitRequestBody)`))
    try {
      take(chunk)
    } catch (error) {
      settle(error)
    }
  }
  const onEnd = (): void => settle()
  const onGone = (): void =>
    settle(new InputRefusal(400, `the body ended early: the client went away after ${size} bytes`))
  function checkPace(): void {
    if (!raw.isPaused() && size - sizeBefore < timeout * BYTES_PER_SECOND)
      settle(new InputRefusal(408, `the body does not come: ${size - sizeBefore} bytes in ${timeout} s (Timeout)`))
    sizeBefore = size
  }

  const done = new Promise<void>((resolve, reject) => {
    settle = error => {
      clearInterval(timer)
      raw.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone)
      if (error === undefined) return resolve()
      raw.pause()
      reject(error)
    }
    if (raw.readableEnded) return resolve()
    if (raw.destroyed) return onGone()
    askForBody(state)
    timer = setInterval(checkPace, timeout * 1000).unref()
    raw.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone)
    // whoever took a part of it before may have paused it
    raw.resume()
  })
  return { done, stop: settle! }
}

/** The whole of a body, in memory; more than `MOST_TEXT` bytes are 413. */
export async function receiveText(state: RequestState): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  await receiveBody(state, chunk => {
    size += chunk.length
    if (size > MOST_TEXT)
      throw new InputRefusal(413, `the body has more than ${MOST_TEXT} bytes: PSOInput = off leaves it to the handler`)
    chunks.push(chunk)
  }).done
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
