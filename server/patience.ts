import { HandlerTimeout } from './handler-timeout.ts'
import { requestContext } from './request-context.ts'
import type { RequestState } from './request-state.ts'

/** How exact the limit is. */
const TICK_MS = 500

interface Wait {
  /** A process that was stopped, or did something else for long, has none meanwhile: what came in that time is taken first. */
  ticks: number
  /** What had come on the connection then, in bytes. */
  received: number
}

/**
 * Ends the wait for functions that do not come back (PSOHandlerTimeout): the request is answered 503, and its `signal` aborts. What runs
 * cannot be stopped. As long as bytes of the client come the time begins anew, and so it does once the answer has begun: a stream may be
 * silent, until its client has gone away.
 */
export class Patience {
  readonly #fail: (state: RequestState, error: unknown) => unknown
  readonly #waits = new Map<RequestState, Wait>()
  #timer: NodeJS.Timeout | undefined

  /** `fail`: answers a request whose functions are not waited for any more. */
  constructor(fail: (state: RequestState, error: unknown) => unknown) {
    this.#fail = fail
  }

  /** Waits for functions of a request, one after the other; resolves and rejects as they do. */
  async wait<Value>(state: RequestState, functions: Promise<Value>): Promise<Value> {
    this.#waits.set(state, { ticks: 0, received: receivedBy(state) })
    this.#timer ??= setInterval(() => this.#look(), TICK_MS).unref()
    try {
      return await functions
    } finally {
      this.#waits.delete(state)
    }
  }

  #look(): void {
    if (this.#waits.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    for (const [state, wait] of this.#waits) {
      const { plan, site, incoming, output, closed, settled } = state
      if (settled) {
        this.#waits.delete(state)
        continue
      }
      const received = receivedBy(state)
      if (received !== wait.received || (output.flushed && !closed)) {
        wait.ticks = 0
        wait.received = received
        continue
      }
      // how long a program may take is for who runs it to say: a web server, or a person
      const seconds =
        plan.directives.PSOHandlerTimeout ?? (incoming.environment === undefined ? site.config.directives.Timeout : 0)
      if (seconds === 0 || ++wait.ticks * TICK_MS <= seconds * 1000) continue
      this.#waits.delete(state)
      const what = output.flushed
        ? `no end ${seconds} s after the client went away`
        : `no answer for ${seconds} s${state.running === undefined ? ', while a module is loaded' : ''}`
      // who hears of it runs in the request's own context, not in that of the one that was first waited for
      requestContext.run(state, this.#fail, state, new HandlerTimeout(`${what} (PSOHandlerTimeout)`))
    }
  }
}

const receivedBy = ({ raw }: RequestState): number => raw.socket?.bytesRead ?? 0
