import { STATUS_CODES } from './node-http.ts'
import { escapeHtml, page } from './page.ts'

/** The short page of a redirect, for clients that do not follow it. */
export function redirectPage(status: number, to: string): string {
  const title = `${status} ${STATUS_CODES[status] ?? 'Redirect'}`
  return page(title, `<h1>${escapeHtml(title)}</h1>\n<p>The page is <a href="${escapeHtml(to)}">here</a>.</p>`)
}
