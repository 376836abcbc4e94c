/**
 * The text after `=` as words. Quotes are `"` or `'` around a whole word; in them only `\"`, `\'` and `\\` are escapes.
 * The text has no comment and no open quote any more (read-lines.ts has seen to it). Throws a plain Error on text that
 * touches a closing quote: neither one word nor two is surely what was meant.
 */
export function readWords(text: string): string[] {
  const words: string[] = []
  let at = 0
  while (true) {
    while (isBlank(text[at])) at++
    if (at >= text.length) return words
    const quote = quoteAt(text, at)
    if (quote === '') {
      const start = at
      while (at < text.length && !isBlank(text[at])) at++
      words.push(text.slice(start, at))
      continue
    }
    const end = closingQuote(text, at + 1, quote)
    words.push(text.slice(at + 1, end).replace(/\\(["'\\])/g, '$1'))
    at = end + 1
    if (at < text.length && !isBlank(text[at]))
      throw new Error(`expected white space after the closing quote, got ${JSON.stringify(text.slice(at))}`)
  }
}

/** Where reading stands between the lines of one value: the quote that is open, and whether a word may begin here. */
export interface Reading {
  quote: string
  wordStart: boolean
}

/**
 * Where the comment of this line begins, else its length. A comment begins outside quotes, after white space or a closing
 * quote. `reading` is moved on, for the line in which the value continues.
 */
export function commentStart(line: string, from: number, reading: Reading): number {
  for (let at = from; at < line.length; at++) {
    if (reading.quote === '') {
      if (reading.wordStart && (line[at] === '#' || line[at] === ';')) return at
      if (reading.wordStart) reading.quote = quoteAt(line, at)
      reading.wordStart = isBlank(line[at])
      continue
    }
    at = closingQuote(line, at, reading.quote)
    if (at >= line.length) return line.length
    reading.quote = ''
    reading.wordStart = true
  }
  return line.length
}

const quoteAt = (text: string, at: number): string => (text[at] === '"' || text[at] === "'" ? text[at]! : '')

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t'

/** The place of the quote that closes, or the text's length. */
function closingQuote(text: string, from: number, quote: string): number {
  let at = from
  while (at < text.length && text[at] !== quote) at += text[at] === '\\' && /["'\\]/.test(text[at + 1] ?? '') ? 2 : 1
  return Math.min(at, text.length)
}

/** `${NAME}` replaced in one word; the value stays part of that word, whatever it holds. `unset` hears of a name without a value. */
export function expandVariables(
  word: string,
  environment: Readonly<Record<string, string | undefined>>,
  unset: (name: string) => void,
): string {
  return word.replace(/\$\{([^}]*)\}/g, (written, name: string) => {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (value === undefined) unset(name)
    return value ?? written
  })
}
