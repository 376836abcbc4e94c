import type { RequestState } from '../request-state.ts'

/**
 * The URL as the client sent it, but with session ids masked: whoever reads a log is not to get at the sessions of visitors. Where
 * PSOSessionTransport says `url`, or is not known yet, that is any value with the form of an id, and the parameter named after an open
 * session, whose loader may make ids of another form.
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
