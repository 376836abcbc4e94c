import type { Kind } from '../kind.ts'
import { expected, showWord } from './expected.ts'
import { isVariableName } from './text.ts'

/** What SetEnv, UnsetEnv and PassEnv make together; undefined: removed. */
export type Variables = ReadonlyMap<string, string | undefined>

/** `NAME value`; without a value it is empty. */
export const variable: Kind<Variables> = {
  syntax: 'NAME [VALUE]',
  parse(words) {
    if (words.length > 2) throw expected('NAME [VALUE], a value with blanks in quotes', words)
    return new Map([[nameOf(words[0], words), words[1] ?? '']])
  },
  show: map =>
    [...map].map(([name, value]) => (value === undefined ? `!${name}` : `${name} ${showWord(value)}`)).join(', '),
}

export const unsetVariables: Kind<Variables> = {
  syntax: 'NAME …',
  parse: words => new Map(namesOf(words).map(name => [name, undefined])),
  show: map => [...map.keys()].join(' '),
}

/** A variable that the environment does not have is left as it is, as in Apache. */
export const passedVariables: Kind<Variables> = {
  syntax: 'NAME …',
  parse(words, { environment }) {
    const given = namesOf(words).filter(name => environment[name] !== undefined)
    return new Map(given.map(name => [name, environment[name]]))
  },
  show: map => [...map.keys()].join(' '),
}

/** `name value` of req.options; without a value the name is removed, as by mod_python's PythonOption. */
export const handlerOption: Kind<ReadonlyMap<string, string>> = {
  syntax: 'NAME [VALUE]',
  parse(words) {
    if (words.length === 0 || words.length > 2 || words[0] === '')
      throw expected('NAME [VALUE], a value with blanks in quotes', words)
    return new Map([[words[0]!, words[1] ?? '']])
  },
  show: map => [...map].map(pair => pair.map(showWord).join(' ')).join(', '),
}

function namesOf(words: readonly string[]): string[] {
  if (words.length === 0) throw expected('names of variables', words)
  return words.map(word => nameOf(word, words))
}

function nameOf(word: string | undefined, words: readonly string[]): string {
  if (word === undefined || !isVariableName(word)) throw expected("a variable's name", words)
  return word
}
