import type { Outgoing } from './outgoing.ts'
import { cutIfStuck } from './write-chunk.ts'

interface Ready {
  readonly response: Outgoing
  readonly body: string | Uint8Array | undefined
  readonly timeoutMs: number
}

let ready: Ready[] = []

/**
 * Ends a response whose head is written. All answers that become ready in one turn of the event loop are sent at its end, one after the
 * other: the first wakes the clients' side, and the rest find it awake. Sent between the work for two requests, each would pay for a wake-up
 * of its own, which under load costs more than the rest of a small answer. A client that takes nothing for `timeoutMs` is cut off.
 */
export function endTogether(response: Outgoing, body: string | Uint8Array | undefined, timeoutMs: number): void {
  ready.push({ response, body, timeoutMs })
  if (ready.length === 1) setImmediate(endAll)
}

/** Ends all that are ready. For who has ended the work of a turn before its end, too: what was to come in it has been lost. */
export function endAll(): void {
  const ends = ready
  ready = []
  for (const { response, body, timeoutMs } of ends) {
    try {
      response.end(body)
      cutIfStuck(response, timeoutMs)
    } catch (error) {
      // one answer that cannot be written is no reason to keep the others
      response.destroy(error as Error)
    }
  }
}
