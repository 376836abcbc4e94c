import type { Kind } from '../kind.ts'
import { expected, showWord } from './expected.ts'
import { isUrlPath } from './text.ts'

export interface Redirection {
  readonly status: number
  /** The URL path that it is for, with all below it. */
  readonly from: string
  /** A URL, or a path on this server; absent for a status outside 300-399, which is answered as it is. */
  readonly to?: string
}

const statusOf: ReadonlyMap<string, number> = new Map([
  ['permanent', 301],
  ['temp', 302],
  ['seeother', 303],
  ['gone', 410],
])

/** Apache's Redirect, but a status with one lone word, which redirects everything there, is an error here. */
export const redirect: Kind<readonly Redirection[]> = {
  syntax: '[300-599 | permanent | temp | seeother | gone] /URL-PATH [URL | /URL-PATH]',
  parse(words) {
    const first = words[0]?.toLowerCase() ?? ''
    const status = statusOf.get(first) ?? (/^[345]\d\d$/.test(first) ? Number(first) : undefined)
    const [from, to, ...more] = status === undefined ? words : words.slice(1)
    if (from === undefined || more.length > 0) throw expected(redirect.syntax, words)
    if (!/^\/[^\0-\x1f\x7f]*$/.test(from)) throw expected('a URL path that begins with /', from)
    if (status !== undefined && status >= 400) {
      if (to !== undefined) throw expected(`no target with the status ${status}`, to)
      return [{ status, from }]
    }
    if (to === undefined) throw expected('a path and a target', words)
    if (!isUrlPath(to) && !/^[a-z][a-z0-9+.-]*:[^\s\0-\x1f\x7f]+$/i.test(to))
      throw expected('a URL, or a path that begins with /', to)
    return [{ status: status ?? 302, from, to }]
  },
  show: list =>
    list
      .map(({ status, from, to }) => [status, showWord(from), ...(to === undefined ? [] : [showWord(to)])].join(' '))
      .join(', '),
}
