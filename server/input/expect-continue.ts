import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { RequestState } from '../request-state.ts'

const waiting = new WeakSet<IncomingMessage>()
const unmet = new WeakSet<IncomingMessage>()

/**
 * A client that sent `Expect: 100-continue` is told to send its body when somebody wants it, as in Apache: if it is refused, it never sends
 * it. Without this node tells every client at once, and answers other expectations itself, without a line in the log.
 */
export function answerExpectations(
  server: Server,
  route: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request)
    route(request, response)
  })
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    unmet.add(request)
    route(request, response)
  })
}

/** What the client expects, where it is nothing that can be met (RFC 9110 10.1.1: 417). */
export const unmetExpectation = (raw: IncomingMessage): string | undefined =>
  raw.headers.expect !== undefined && unmet.has(raw) ? raw.headers.expect : undefined

/** Asks the client to send its body, where it waits for that. */
export function askForBody({ raw, response }: RequestState): void {
  if (raw.headers.expect !== undefined && waiting.delete(raw)) response.writeContinue?.()
}

/** True while the client has not been asked for its body: it may never send it. */
export const waitsToSend = (raw: IncomingMessage): boolean => waiting.has(raw)
