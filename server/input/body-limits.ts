import type { RequestState } from '../request-state.ts'
import { InputRefusal } from './input-refusal.ts'

/** How many bytes of a form's fields, or of JSON, are kept in memory; LimitRequestBody may be for files that are larger. */
export const MOST_TEXT = 16 * 1024 * 1024

/** Refuses a body whose Content-Length is more than LimitRequestBody, before any of it is asked for. */
export function checkDeclaredLength({ raw, plan }: RequestState): void {
  const declared = raw.headers['content-length']
  if (declared === undefined) return
  const limit = plan.directives.LimitRequestBody
  if (limit > 0 && Number(declared) > limit)
    throw new InputRefusal(413, `the body has ${declared} bytes, LimitRequestBody is ${limit}`)
}
