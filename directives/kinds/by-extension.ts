import { type Kind, NotBuiltError } from '../kind.ts'
import { isOnly, oneWord } from './combinators.ts'
import { either, expected, showWord } from './expected.ts'

/** What runs an existing file; `none`: nothing, it is a static file unless its directory's handler takes it. */
export type HandlerName = 'pso-program' | 'cgi-script' | 'default-handler' | 'none'

const handlers = ['pso-program', 'cgi-script', 'default-handler'] as const
const notServed = ['server-status'] as const
const handlerSyntax = handlers.join(' | ')
const notServedSyntax = `${notServed.join(', ')}: not built yet`

/** Apache serves a file whose handler it does not know, source and all; here the name is an error. */
function handlerName(word: string): (typeof handlers)[number] {
  const lower = word.toLowerCase()
  if (notServed.some(name => name === lower)) throw new NotBuiltError(lower)
  const found = handlers.find(name => name === lower)
  if (found === undefined) throw expected(`the handler ${either([...handlers, ...notServed])}`, word)
  return found
}

export const handlerOrNone: Kind<HandlerName> = oneWord<HandlerName>({
  syntax: `${handlerSyntax} | none (${notServedSyntax})`,
  expects: either([...handlers, 'none']),
  read: word => (isOnly([word], 'none') ? 'none' : handlerName(word)),
})

/** `pso-program .ts .mts`: keys are extensions in lower case with their dot. */
export const handlerByExtension: Kind<ReadonlyMap<string, HandlerName>> = byExtension(handlerSyntax, handlerName)

export const withoutHandler: Kind<ReadonlyMap<string, HandlerName>> = {
  syntax: '.EXTENSION …',
  parse: words => new Map(extensions(words, words).map(name => [name, 'none'])),
  show: map => [...map.keys()].join(' '),
}

/** `text/html .shtml`: keys are extensions in lower case with their dot. */
export const typeByExtension: Kind<ReadonlyMap<string, string>> = byExtension('TYPE', word => {
  if (!/^[\w!#$&^.+-]+\/[\w!#$&^.+*-]+(\s*;[ -~]*)?$/.test(word)) throw expected('a media type like text/html', word)
  return word
})

/** `.html` or `html`; a file name matches by its last extension only, so there is no dot within. */
export function extension(word: string): string {
  if (!/^\.?[^\s./\\|\0-\x1f]+$/.test(word)) throw expected('an extension like .html', word)
  return `.${word.replace(/^\./, '').toLowerCase()}`
}

function byExtension<Value extends string>(
  syntax: string,
  read: (word: string) => Value,
): Kind<ReadonlyMap<string, Value>> {
  return {
    syntax: `${syntax} .EXTENSION …`,
    parse(words) {
      const [first, ...rest] = words
      if (first === undefined) throw expected(`${syntax} .EXTENSION …`, words)
      const value = read(first)
      return new Map(extensions(rest, words).map(name => [name, value]))
    },
    show: map =>
      [...Map.groupBy(map, ([, value]) => value)]
        .map(([value, entries]) => [showWord(value), ...entries.map(([name]) => name)].join(' '))
        .join(', '),
  }
}

function extensions(names: readonly string[], words: readonly string[]): string[] {
  if (names.length === 0) throw expected('an extension', words)
  return names.map(extension)
}
