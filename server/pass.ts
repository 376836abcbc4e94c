import type { RequestState } from './request-state.ts'

const fields = [
  'url',
  'method',
  'plan',
  'location',
  'content',
  'input',
  'request',
  'environ',
  'redirected',
  'previous',
] as const satisfies readonly (keyof RequestState)[]

/** What a request is about, from one URL on: an internal redirect and the document of an error begin another pass. */
export type Pass = Pick<RequestState, (typeof fields)[number]>

/** The pass that a request is in, as it is now. */
export const passOf = (state: Pass): Pass => Object.fromEntries(fields.map(name => [name, state[name]])) as Pass
