import type { Kind, ModuleRef, ValueContext } from '../kind.ts'
import { either, expected, showWord } from './expected.ts'

/** A kind of exactly one word. `read` answers undefined for what it does not take, or throws a better error itself. */
export function oneWord<Value>(row: {
  readonly syntax: string
  /** What the error says was expected. */
  readonly expects: string
  read(word: string, context: ValueContext): Value | undefined
  show?(value: Value): string
  modules?(value: Value): readonly ModuleRef[]
}): Kind<Value> {
  return {
    ...(row.modules === undefined ? {} : { modules: row.modules }),
    syntax: row.syntax,
    parse(words, context) {
      const value = words.length === 1 ? row.read(words[0]!, context) : undefined
      if (value === undefined) throw expected(row.expects, words)
      return value
    },
    show: row.show ?? (value => showWord(String(value))),
  }
}

/** One of the names, whatever the case it is written in; the value has the case given here. */
export function oneOf<const Name extends string>(...names: readonly Name[]): Kind<Name> {
  return oneWord({
    syntax: names.join(' | '),
    expects: either(names),
    read: word => names.find(name => name.toLowerCase() === word.toLowerCase()),
  })
}

export const flag: Kind<boolean> = oneWord({
  syntax: 'on | off',
  expects: 'on or off',
  read: word =>
    new Map([
      ['on', true],
      ['off', false],
    ]).get(word.toLowerCase()),
  show: value => (value ? 'on' : 'off'),
})

/** A kind whose rows may have no value: undefined is the default, and not written. */
export function optional<Value>(kind: Kind<Value>): Kind<Value | undefined> {
  return {
    ...kind,
    show: value => (value === undefined ? '' : kind.show(value)),
    modules: value => (value === undefined ? [] : (kind.modules?.(value) ?? [])),
  }
}

/** Takes one more word, which stands for undefined: `disabled`. */
export function orWord<Value>(kind: Kind<Value>, word: string): Kind<Value | undefined> {
  return {
    syntax: `${kind.syntax} | ${word}`,
    parse: (words, context) => (isOnly(words, word) ? undefined : kind.parse(words, context)),
    show: value => (value === undefined ? word : kind.show(value)),
  }
}

/** One or more words, each of the kind; `empty` alone, where it is given, is the empty list. */
export function listOf<Value>(kind: Kind<Value>, empty?: string): Kind<readonly Value[]> {
  return {
    syntax: `${kind.syntax} …${empty === undefined ? '' : ` | ${empty}`}`,
    parse(words, context) {
      if (empty !== undefined && isOnly(words, empty)) return []
      return words.length === 0 ? [kind.parse(words, context)] : words.map(word => kind.parse([word], context))
    },
    show: values => (values.length === 0 ? (empty ?? '') : values.map(value => kind.show(value)).join(' ')),
  }
}

export const isOnly = (words: readonly string[], word: string): boolean =>
  words.length === 1 && words[0]!.toLowerCase() === word
