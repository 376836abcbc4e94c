import type { Kind } from '../kind.ts'
import { oneWord } from './combinators.ts'
import { expected, showWord } from './expected.ts'

/** One word that the pattern takes. */
export const matching = (syntax: string, expects: string, pattern: RegExp): Kind<string> =>
  oneWord({ syntax, expects, read: word => (pattern.test(word) ? word : undefined) })

/** A cookie's name (RFC 6265: a token of RFC 2616), which no directive has: its name, set as a directive, forces the session id. */
export const serviceName = (isDirectiveName: (name: string) => boolean): Kind<string> =>
  oneWord({
    syntax: 'NAME',
    expects: "a cookie's name of 1 to 128 letters, digits or any of !#$%&'*+-.^_`|~",
    read(word) {
      if (isDirectiveName(word)) throw expected('a name that no directive has', word)
      return /^[\w!#$%&'*+\-.^`|~]{1,128}$/.test(word) ? word : undefined
    },
  })

export const sessionId: Kind<string> = matching(
  'ID',
  'a session id of 1 to 128 letters, digits, _ or -',
  /^[A-Za-z0-9_-]{1,128}$/,
)

/** Text of a cookie attribute (RFC 6265 4.1.1): printable ASCII without `;`. Several words are joined by blanks. */
export const cookieText: Kind<string> = {
  syntax: 'TEXT',
  parse(words) {
    const text = words.join(' ')
    if (!/^[ -:<-~]+$/.test(text)) throw expected('printable ASCII characters without ;', words)
    return text
  },
  show: showWord,
}

export const cookiePath: Kind<string> = matching('/PATH', 'a path that begins with / and has no ;', /^\/[ -:<-~]*$/)

export const domainName: Kind<string> = matching(
  'DOMAIN',
  'a domain name',
  /^\.?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
)

/** Attributes of cookies are set by variables of their names too, so there may be `-` in them. */
export const isVariableName = (word: string): boolean => /^[\w.-]{1,128}$/.test(word)

export const variableName: Kind<string> = oneWord({
  syntax: 'NAME',
  expects: "a variable's name",
  read: word => (isVariableName(word) ? word : undefined),
})

/** A name of a file in a directory: no slash. */
export const fileName: Kind<string> = matching('NAME', 'a file name without a slash', /^(?!\.{1,2}$)[^/\\\0]+$/)

/** True for the path of a URL on this server, with or without a query; `//host` would name another server. */
export const isUrlPath = (text: string): boolean => /^\/(?![/\\])[^\s\0-\x1f\x7f]*$/.test(text)

export const urlPath: Kind<string> = oneWord({
  syntax: '/URL-PATH',
  expects: 'a URL path that begins with /',
  read: word => (isUrlPath(word) ? word : undefined),
})

export const indexName: Kind<string> = matching('NAME', 'the name of an index file', /^[^\0-\x1f\x7f]+$/)

/** The charset of text without one: `On` is Apache's iso-8859-1, `Off` adds none. */
export const charset: Kind<string | false> = oneWord<string | false>({
  syntax: 'CHARSET | On | Off',
  expects: 'a charset, On or Off',
  read(word) {
    const lower = word.toLowerCase()
    if (lower === 'off') return false
    if (lower === 'on') return 'iso-8859-1'
    return /^[A-Za-z0-9][A-Za-z0-9._:+-]*$/.test(word) ? word : undefined
  },
  show: value => (value === false ? 'Off' : value),
})
