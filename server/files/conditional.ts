import type { IncomingHttpHeaders } from 'node:http'

/** What a client's conditions are judged by. */
export interface Validators {
  /** A strong entity tag, in its quotes. */
  readonly etag: string
  /** As sent: an HTTP date, whole seconds. */
  readonly lastModified: string
}

/**
 * The status that the conditions of a GET or HEAD come to, in the order of RFC 9110 section 13.2.2: 412, 304, or 200 to go on.
 * An entity tag goes before a date.
 */
export function conditionalStatus(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): 200 | 304 | 412 {
  const modified = Date.parse(lastModified)
  const match = headers['if-match']
  if (match !== undefined) {
    if (!lists(match, etag, false)) return 412
  } else if (isBefore(headers['if-unmodified-since'], modified)) return 412
  const noneMatch = headers['if-none-match']
  if (noneMatch !== undefined) return lists(noneMatch, etag, true) ? 304 : 200
  const since = headers['if-modified-since']
  if (since === undefined) return 200
  // the usual case first: what we sent comes back
  return since === lastModified || modified <= (dateOf(since) ?? Number.NEGATIVE_INFINITY) ? 304 : 200
}

/** True if the range that is asked for still belongs to this file: `If-Range` compares strongly. */
export function rangeHolds(ifRange: string | undefined, { etag, lastModified }: Validators): boolean {
  return ifRange === undefined || ifRange === etag || ifRange === lastModified
}

const isBefore = (date: string | undefined, modified: number): boolean =>
  date !== undefined && (dateOf(date) ?? Number.POSITIVE_INFINITY) < modified

const forms = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
]

/** In ms since the epoch; undefined for what has none of the three forms (RFC 9110 section 5.6.7): it is to be ignored. */
function dateOf(text: string): number | undefined {
  if (!forms.some(form => form.test(text))) return undefined
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(date) ? undefined : date
}

/** `*` alone is any; a comma or an asterisk within the quotes of a tag is a part of it. */
function lists(field: string, etag: string, weakly: boolean): boolean {
  if (field === etag || field === '*') return true
  const tags = field.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some(tag => tag === etag || (weakly && tag === `W/${etag}`))
}
