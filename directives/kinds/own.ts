import type { Kind } from '../kind.ts'
import { flag, oneOf, oneWord } from './combinators.ts'
import { expected, showWord } from './expected.ts'
import { integer, seconds } from './numbers.ts'
import { pathForWriting } from './paths.ts'

/** Text as it stands; several words are joined by blanks. */
const text: Kind<string> = {
  syntax: 'TEXT',
  parse(words) {
    if (words.length === 0) throw expected('a text', words)
    return words.join(' ')
  },
  show: showWord,
}

const number: Kind<number> = oneWord({
  syntax: 'NUMBER',
  expects: 'a number',
  read: word => (/^-?\d+(?:\.\d+)?$/.test(word) ? Number(word) : undefined),
})

/** The kinds that a class may give its directives, with the type of their defaults; `path` is one for writing. */
const kinds = {
  text: [text, 'string'],
  number: [number, 'number'],
  integer: [integer('NUMBER', 0), 'number'],
  seconds: [seconds(0), 'number'],
  flag: [flag, 'boolean'],
  path: [pathForWriting, 'string'],
} as const satisfies Readonly<Record<string, readonly [Kind<unknown>, 'string' | 'number' | 'boolean']>>

export type OwnKindName = keyof typeof kinds
export const ownKindNames = Object.keys(kinds) as readonly OwnKindName[]

/** The kind of that name, or of one of several words; undefined where it is neither. */
export function ownKind(name: unknown): readonly [kind: Kind<unknown>, typeOfDefault: string] | undefined {
  if (typeof name === 'string' && Object.hasOwn(kinds, name)) return kinds[name as OwnKindName]
  if (!Array.isArray(name) || name.length === 0 || !name.every(word => typeof word === 'string' && /^\S+$/.test(word)))
    return undefined
  return [oneOf(...(name as string[])), 'string']
}
