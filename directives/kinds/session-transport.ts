import type { Kind } from '../kind.ts'
import { expected } from './expected.ts'

const names = ['cookie', 'url', 'cookie url'] as const

/** How ids travel; the cookie goes before the URL, in whichever order they are named. */
export const sessionTransport: Kind<(typeof names)[number]> = {
  syntax: names.join(' | '),
  parse(words) {
    const named = words
      .flatMap(word => word.toLowerCase().split(' '))
      .sort()
      .join(' ')
    const value = names.find(name => name === named)
    if (value === undefined) throw expected('cookie, url or cookie url', words)
    return value
  },
  show: value => value,
}
