import type { ServerResponse } from 'node:http'

interface Ready {
  readonly response: ServerResponse
  readonly body: string | Uint8Array | undefined
}

let ready: Ready[] = []

/**
 * Ends a response whose head is written. The answers that become ready in one turn of the event loop leave at its end, one behind the
 * other: the first wakes the clients' side, and the others find it awake. Written one by one between the work for two requests, each
 * pays for its own waking, which under load costs more than the rest of a small answer.
 */
export function endTogether(response: ServerResponse, body: string | Uint8Array | undefined): void {
  ready.push({ response, body })
  if (ready.length === 1) setImmediate(endAll)
}

function endAll(): void {
  const ends = ready
  ready = []
  for (const { response, body } of ends) {
    try {
      response.end(body)
    } catch (error) {
      // one answer that cannot be written is no reason to keep the others
      response.destroy(error as Error)
    }
  }
}
