import { type Kind, NotBuiltError } from '../kind.ts'
import type { SignedSet } from '../merge-rules.ts'
import { either, expected } from './expected.ts'

export type OptionName = (typeof names)[number]

/** In a merged configuration `on` is all that counts. */
export type OptionsValue = SignedSet<OptionName>

const names = [
  'Indexes',
  'FollowSymLinks',
  'SymLinksIfOwnerMatch',
  'ExecCGI',
  'Includes',
  'IncludesNOEXEC',
  'MultiViews',
] as const

/** Words that may be switched off, and not on. */
const notServed: ReadonlySet<OptionName> = new Set(['Includes', 'IncludesNOEXEC', 'MultiViews'])

/** Apache's Options: words all with a sign or all without one, `All` is all but MultiViews. */
export const options: Kind<OptionsValue> = {
  syntax: `All | None | [+|-]${names.join(' | [+|-]')} … (${[...notServed].join(', ')} can only be switched off yet)`,
  parse(words) {
    const signs = new Set(words.map(word => /^[+-]/.test(word)))
    if (signs.size === 0) throw expected('option words', words)
    if (signs.size === 2) throw expected('words all with a sign or all without one', words)
    const isChange = signs.has(true)
    let on: ReadonlySet<OptionName> = new Set()
    let off: ReadonlySet<OptionName> = new Set()
    for (const word of words) {
      const meant = meantBy(word.replace(/^[+-]/, ''), word, words.length === 1 && !isChange)
      if (word.startsWith('-')) [on, off] = [on.difference(meant), off.union(meant)]
      else [on, off] = [on.union(meant), off.difference(meant)]
    }
    const unserved = notServed.intersection(on)
    if (unserved.size > 0) throw new NotBuiltError(either([...unserved]))
    return isChange ? { on, off } : { on }
  },
  show({ on, off }) {
    if (off === undefined) return [...on].join(' ') || 'None'
    return [...[...on].map(name => `+${name}`), ...[...off].map(name => `-${name}`)].join(' ') || 'None'
  },
}

function meantBy(word: string, written: string, isAlone: boolean): ReadonlySet<OptionName> {
  const lower = word.toLowerCase()
  if (lower === 'all') return new Set(names.filter(name => name !== 'MultiViews'))
  if (lower === 'none' && isAlone) return new Set()
  const found = names.find(name => name.toLowerCase() === lower)
  if (found === undefined)
    throw expected(lower === 'none' ? 'None alone, without a sign' : either([...names, 'All', 'None']), written)
  return new Set([found])
}
