import { DirectivesError, formatProblem } from '../directives/index.ts'
import { ProgramFailure } from './cgi/program-failure.ts'
import { isFailure } from './error-status.ts'
import { whereThrown } from './modules/where-thrown.ts'
import { STATUS_CODES } from './node-http.ts'
import { escapeHtml, page } from './page.ts'
import type { RequestState } from './request-state.ts'

/** Puts the built-in page of an error into the output, in place of what was written. Cookies and other headers stay. */
export function writeErrorPage(state: RequestState, status: number, error: unknown): void {
  const { output } = state
  output.discard()
  output.status = status
  output.isFile = false
  output.bringsHead = false
  output.prepared = []
  output.contentType = 'text/html; charset=utf-8'
  for (const name of ofTheBody) if (name !== 'content-range' || status !== 416) output.headers.delete(name)
  if (isFailure(error)) for (const name of ofCaches) output.headers.delete(name)
  output.write(errorPage(status, mayExplain(state) ? explanation(error, state.running) : undefined))
}

/** Headers about the body that the error page replaces. */
const ofTheBody = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-location',
  'content-disposition',
  'content-range',
  'etag',
  'last-modified',
]
/** How long the intended page may be cached; the error in its place may not be. */
const ofCaches = ['cache-control', 'expires', 'age']

/** In development, and only to a client on this machine, the page says what is wrong and where. */
function mayExplain(state: RequestState): boolean {
  const { site, raw, clientAddress } = state
  if (!site.development || !isLoopback(raw.socket?.remoteAddress) || !isLoopback(clientAddress)) return false
  // a proxy on this machine that TrustProxy does not name: its clients may be anywhere
  const isForwarded = raw.headers['x-forwarded-for'] !== undefined || raw.headers['forwarded'] !== undefined
  return !isForwarded || clientAddress !== raw.socket.remoteAddress
}

/** What the built-in page would say of an error, for the author's own error document; undefined where the client may not know. */
export const errorNotes = (state: RequestState, error: unknown): string | undefined =>
  mayExplain(state) ? explanation(error, state.running)?.message : undefined

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (/^(::ffff:)?127\./.test(address) || address === '::1')

/** What went wrong, for people: a sentence, and the lines around the place where that is known. */
interface Explanation {
  readonly message: string
  readonly frame?: string
}

function explanation(error: unknown, running: string | undefined): Explanation | undefined {
  if (!isFailure(error)) return undefined
  if (error instanceof DirectivesError) return { message: error.problems.map(formatProblem).join('\n') }
  if (error instanceof ProgramFailure) return { message: error.message }
  const thrown = whereThrown(error, running)
  return { message: thrown.message, ...(thrown.frame === undefined ? {} : { frame: thrown.frame }) }
}

const sentences: Readonly<Record<number, string>> = {
  400: 'The server could not understand this request.',
  401: 'This page needs a user name and a password.',
  403: 'You may not see this page.',
  404: 'There is no page at this address.',
  405: 'This address does not support this method.',
  413: 'The request is larger than the server accepts.',
  414: 'The address is longer than the server accepts.',
  415: 'The server does not accept content of this type.',
  417: 'The server cannot do what is expected of it.',
  500: 'The server could not make this page. Its log says why.',
  503: 'The server cannot answer just now. Please try again in a moment.',
  504: 'This page took too long to make.',
}

/** The built-in page of a status. */
export function errorPage(status: number, explained?: Explanation): string {
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`
  const sentence = sentences[status] ?? 'The server answered with this status.'
  const told = explained === undefined ? `<p>${sentence}</p>` : `<pre>${escapeHtml(explained.message)}</pre>`
  const frame = explained?.frame === undefined ? '' : `<pre>${escapeHtml(explained.frame)}</pre>`
  return page(title, `<h1>${escapeHtml(title)}</h1>\n${told}\n${frame}`)
}
