import { idNameOf } from '../open-session-for.ts'
import type { RequestState } from '../request-state.ts'

/**
 * The URL as the client sent it, without the session ids that it may carry: who reads a log is not to have the sessions of its visitors.
 * What is taken for one: the parameter of the service's name, and any value that has the form of an id (another service's).
 */
export function urlForLogs(state: RequestState): string {
  const { originalUrl } = state.fastify
  const name = originalUrl.includes('?') ? idNameOf(state) : undefined
  if (name === undefined) return originalUrl
  return originalUrl.replace(/([?&])([^=&#]*)=([^&#]*)/g, (whole, mark: string, written: string, value: string) =>
    isId.test(value) || decoded(written) === name ? `${mark}${written}=***` : whole,
  )
}

const isId = /^[A-Za-z0-9_-]{27}$/

const decoded = (written: string): string => new URLSearchParams(written).keys().next().value ?? ''
