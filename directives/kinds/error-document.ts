import type { Kind } from '../kind.ts'
import { expected, showWord } from './expected.ts'
import { isUrlPath } from './text.ts'

/** What answers an error; `default` is the built-in page. */
export type ErrorAnswer =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'path'; readonly path: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'default' }

/** By status. Several words are a text; one is a path if it begins with /, a URL if it has a scheme, else a text. */
export const errorDocument: Kind<ReadonlyMap<number, ErrorAnswer>> = {
  syntax: '400-599 /URL-PATH | URL | TEXT | default',
  parse(words) {
    const [status, ...rest] = words
    if (!/^[45]\d\d$/.test(status ?? '')) throw expected('a status from 400 to 599 and what answers it', words)
    return new Map([[Number(status), answer(rest, status!, words)]])
  },
  show: map => [...map].map(([status, value]) => `${status} ${showAnswer(value)}`).join(', '),
}

function answer(rest: readonly string[], status: string, words: readonly string[]): ErrorAnswer {
  const text = rest.join(' ')
  if (text === '') throw expected('a path, a URL, a text or default after the status', words)
  if (rest.length > 1) return { type: 'text', text }
  if (text.toLowerCase() === 'default') return { type: 'default' }
  if (text.startsWith('/')) {
    if (!isUrlPath(text)) throw expected('a URL path on this server', text)
    return { type: 'path', path: text }
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { type: 'text', text }
  if (!/^https?:\/\/[^\s\0-\x1f\x7f]+$/i.test(text)) throw expected('an http: or https: URL', text)
  // a redirect would lose the 401, and with it the question for a password (Apache refuses it too)
  if (status === '401')
    throw expected('a path or a text for 401, since a browser asks for a password only on a 401', text)
  return { type: 'url', url: text }
}

function showAnswer(value: ErrorAnswer): string {
  if (value.type === 'text') return `"${value.text.replace(/[\\"]/g, '\\$&')}"`
  if (value.type === 'path') return showWord(value.path)
  return value.type === 'url' ? showWord(value.url) : 'default'
}
