/** The error of a value that is wrong: `expected WHAT, got "WORDS"`. Passwords in URLs do not reach it. */
export function expected(what: string, got: string | readonly string[]): Error {
  const text = typeof got === 'string' ? got : got.join(' ')
  const nothing = typeof got !== 'string' && got.length === 0
  return new Error(`expected ${what}, got ${nothing ? 'nothing' : JSON.stringify(shortened(hidePasswords(text)))}`)
}

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)

/** `redis://user:***@host`: up to the last @, because a password may hold one. Linear in the text, whatever it is. */
export const hidePasswords = (text: string): string =>
  text.includes('://') ? text.replace(/\S+/g, hidePassword) : text

function hidePassword(word: string): string {
  const scheme = word.indexOf('://')
  const colon = word.indexOf(':', scheme + 3)
  const end = word.lastIndexOf('@')
  const isPort = /^\d{1,5}\//.test(word.slice(colon + 1, colon + 7))
  return scheme === -1 || colon === -1 || end < colon || isPort ? word : `${word.slice(0, colon)}:***${word.slice(end)}`
}

/** The word as it could be written after `=`: quoted where it must be, passwords hidden. */
export function showWord(word: string): string {
  const text = hidePasswords(word)
  return text === '' || /[\s"'|]|^[#;]|\\$/.test(text) ? `"${text.replace(/[\\"]/g, '\\$&')}"` : text
}

export const showWords = (words: Iterable<string>): string => [...words].map(showWord).join(' ')

/** `a`, `a or b`, `a, b or c`. */
export const either = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
