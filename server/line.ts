import { answerContent } from './answer-content.ts'
import { InternalRedirect } from './api/internal-redirect.ts'
import { beginPass } from './begin-pass.ts'
import type { Plan } from './plan.ts'
import type { RequestState } from './request-state.ts'
import {
  authen,
  checkLimits,
  choose,
  configure,
  fixup,
  input,
  locate,
  phase,
  refuseOutside,
  requireAccess,
  type Step,
} from './steps.ts'

/** Who may have what a URL leads to. */
const judge: readonly Step[] = [
  refuseOutside, //          links out of the document root           403
  phase('HeaderParser'),
  phase('Access'),
  requireAccess, //          Require                                  403
  authen, //                 OK without a user                        500
  phase('Authz'),
]

/** From a URL to its answer: what an internal redirect walks again. */
const pass: readonly Step[] = [
  locate, //                 raw URL -> Location                      400 403 404
  configure, //              its chain -> Merged -> Plan              500 in that subtree
  choose, //                 DESIGN 4: what answers
  ...judge,
  state => follow(state), // an index or a fallback, judged by its own plan too
  phase('Type'),
  input, //                  a form's body, before any lock           400 408 413
  fixup, //                  pso::fixup: session loaded and locked
  answerContent, //          handlers, file, listing, redirect
]

/** A request's way, one step a line. */
export const line: readonly Step[] = [checkLimits, phase('PostReadRequest'), phase('Trans'), ...pass]

/** Answers another URL in place of this one, as if nothing had been said of the answer; cookies, headers and what was written stay. */
export async function redirectTo(state: RequestState, { url, asGet }: InternalRedirect): Promise<void> {
  const { output } = state
  beginPass(state, url, output.status, asGet ? [['REDIRECT_REQUEST_METHOD', state.method]] : [])
  if (asGet && state.method !== 'HEAD') state.method = 'GET'
  if (!output.flushed) {
    output.status = 200
    output.contentType = undefined
  }
  await passAgain(state)
}

/** Walks from the URL to its answer again, and once more where that is redirected inside; ten rounds at most. */
export async function passAgain(state: RequestState): Promise<void> {
  let rounds = 1
  for (let before = state.previous; before?.previous !== undefined; before = before.previous) rounds++
  if (rounds > 10) throw new Error(`req.internalRedirect leads to itself: ${state.url}`)
  try {
    for (const step of pass) {
      await step(state)
      if (state.settled) return
    }
  } catch (error) {
    if (!(error instanceof InternalRedirect)) throw error
    await redirectTo(state, error)
  }
}

/**
 * An index and a fallback answer in place of what was asked for, with their own configuration; ten rounds at most. They come after the
 * judgement of what was asked for: a closed place stays closed, whatever would answer for it (Apache's mod_dir).
 */
function follow(state: RequestState, round = 0): void | Promise<void> {
  const { content, plan } = state
  if (content!.kind !== 'index' && content!.kind !== 'fallback') return
  if (round === 10) throw new Error('DirectoryIndex or FallbackResource leads to itself')
  state.url = content!.path
  locate(state)
  const configured = configure(state)
  return configured instanceof Promise
    ? configured.then(() => followOn(state, plan, round + 1))
    : followOn(state, plan, round + 1)
}

/** `before`: the plan that the request has been judged by. */
function followOn(state: RequestState, before: Plan, round: number): void | Promise<void> {
  choose(state)
  if (state.plan !== before) return judgeAndFollow(state, round)
  refuseOutside(state)
  return follow(state, round)
}

async function judgeAndFollow(state: RequestState, round: number): Promise<void> {
  for (const step of judge) await step(state)
  await follow(state, round)
}
