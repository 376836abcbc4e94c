import type { RequestState } from '../request-state.ts'

/**
 * The URL as the client sent it, without the session ids that it may carry: who reads a log is not to have the sessions of its visitors.
 * What is taken for one, where PSOSessionTransport says `url` or nobody knows yet: any value that has the form of an id, and the parameter
 * of an open session's name, whose loader may make ids of another form.
 */
export function urlForLogs({ incoming: { originalUrl }, firstPlan, sessions }: RequestState): string {
  if (!originalUrl.includes('?')) return originalUrl
  const names = sessions.filter(({ usesUrl }) => usesUrl).map(({ serviceId }) => serviceId)
  if (firstPlan?.directives.PSOSessionTransport === 'cookie' && names.length === 0) return originalUrl
  return originalUrl.replace(/([?&])([^=&#]*)=([^&#]*)/g, (whole, mark: string, written: string, value: string) =>
    isId.test(value) || names.includes(decoded(written)) ? `${mark}${written}=***` : whole,
  )
}

const isId = /^[A-Za-z0-9_-]{27}$/

const decoded = (written: string): string => new URLSearchParams(written).keys().next().value ?? ''
