/** The error of a value that is wrong: `expected WHAT, got "WORDS"`. Passwords in URLs do not reach it. */
export function expected(what: string, got: string | readonly string[]): Error {
  const text = typeof got === 'string' ? got : got.join(' ')
  const nothing = typeof got !== 'string' && got.length === 0
  return new Error(`expected ${what}, got ${nothing ? 'nothing' : JSON.stringify(hidePasswords(shortened(text)))}`)
}

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)

/** `redis://user:***@host`: up to the last @, because a password may hold one. */
export const hidePasswords = (text: string): string =>
  text.replace(/([A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s:@/]*):\S*@/g, '$1:***@')

/** The word as it could be written after `=`: quoted where it must be, passwords hidden. */
export function showWord(word: string): string {
  const text = hidePasswords(word)
  return text === '' || /[\s"'|]|^[#;]|\\$/.test(text) ? `"${text.replace(/[\\"]/g, '\\$&')}"` : text
}

export const showWords = (words: Iterable<string>): string => [...words].map(showWord).join(' ')

/** `a`, `a or b`, `a, b or c`. */
export const either = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
