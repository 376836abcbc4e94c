import { environOf } from './api/environ.ts'
import { describe } from './api/request.ts'
import { passOf } from './pass.ts'
import type { RequestState } from './request-state.ts'

/**
 * Another URL is to answer in place of what the request was about: that is left to `req.prev`, and the new pass has a request object,
 * notes and variables of its own. `status`: what the pass before came to; `more`: variables that it leaves besides Apache's own.
 */
export function beginPass(
  state: RequestState,
  url: string,
  status: number,
  more: readonly (readonly [name: string, value: string])[] = [],
): void {
  const redirected = new Map([...redirectVariables(state, status), ...more])
  const before = passOf(state)
  if (before.request !== undefined) describe(before.request, before)
  state.first ??= before
  // what was added to a phase was added to the pass before, but the end of the request is one
  for (const name of state.added?.keys() ?? []) if (name !== 'Log' && name !== 'Cleanup') state.added!.delete(name)
  Object.assign(state, { url, input: undefined, request: undefined, environ: undefined, redirected, previous: before })
}

/** Log and Cleanup are about what was asked for first, with its request object. */
export function returnToFirst(state: RequestState): void {
  if (state.first === undefined) return
  if (state.request !== undefined) describe(state.request, passOf(state))
  Object.assign(state, state.first)
  if (state.request !== undefined) describe(state.request, state)
}

/**
 * Apache's variables of an internal redirect (`rename_original_env` and `ap_add_common_vars`): all that SetEnv, functions or a redirect
 * before this one set, under REDIRECT_ and their name, and what the URL and its query were.
 */
function* redirectVariables(state: RequestState, status: number): Generator<[name: string, value: string]> {
  for (const [name, value] of setVariables(state)) yield [`REDIRECT_${name}`, String(value)]
  const { location } = state
  yield ['REDIRECT_STATUS', String(status)]
  yield ['REDIRECT_URL', state.site.prefix + (location?.path ?? state.url)]
  if (location?.query !== undefined) yield ['REDIRECT_QUERY_STRING', location.query]
}

/** The variables that are not CGI's own. */
function setVariables(state: RequestState): [name: string, value: string][] {
  const { environ, redirected, plan } = state
  const made = environOf(state)
  const isSet = (name: string): boolean =>
    !(name in made) || plan.directives.SetEnv.has(name) || redirected?.has(name) === true
  return Object.entries(environ ?? made).filter(([name]) => isSet(name))
}
