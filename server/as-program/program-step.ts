import type { SessionImplementation } from '../../session/index.ts'
import { answerContent } from '../answer-content.ts'
import { InternalRedirect } from '../api/internal-redirect.ts'
import { requestOf } from '../api/request.ts'
import { asciiUrl } from '../ascii-url.ts'
import type { RequestState } from '../request-state.ts'
import { configure, fixup, input, type Step } from '../steps.ts'
import type { HandlerProgram } from './handler-program.ts'
import { trace } from './trace.ts'

/** The steps of the line that a program takes, as one. Errors go to standard error with their stack, internal redirects to the web server. */
export function programStep({ implementation }: HandlerProgram): Step {
  const steps: readonly Step[] = [
    configure, //      its chain -> Merged -> Plan              500
    input, //          a form's body, before any lock           400 408 413
    implementation === undefined ? fixup : fixupWith(implementation),
    answerContent,
  ]
  return async state => {
    try {
      for (const step of steps) await step(state)
    } catch (error) {
      if (error instanceof InternalRedirect) return leaveTo(state, error.url)
      trace(error)
      throw error
    }
  }
}

/** As the how-to's `run(handler, sessionImpl)`; fixup functions of the directory go first. */
const fixupWith =
  (implementation: SessionImplementation): Step =>
  state =>
    state.plan.ownFixup ? fixup(state) : requestOf(state).pso().openSession(implementation)

/** A Location that is a path, without a Status: the web server answers that URL in place of this one (RFC 3875 6.2.2). */
function leaveTo({ output }: RequestState, url: string): void {
  if (output.flushed) throw new Error(`an internal redirect to ${url}: a part of the answer has left before`)
  output.discard()
  output.status = 200
  output.headers.set('Location', asciiUrl(url))
}
