import { type Kind, NotBuiltError } from '../kind.ts'
import { oneWord } from './combinators.ts'
import { expected } from './expected.ts'

/** Where sessions are kept; the directory of `file` is PSOSessionFileLoader_Path. */
export type LoaderChoice = { readonly type: 'file' } | { readonly type: 'memory' }

/** The messages name the scheme alone: what follows may hold a password. */
export const loaderChoice: Kind<LoaderChoice> = oneWord<LoaderChoice>({
  syntax:
    'file: | memory: | sqlite:PATH | redis://… | rediss://… | postgres://… | mysql://… | MODULE[::CLASS] (only file: and memory: are built yet)',
  expects: 'file: or memory:',
  read(word) {
    if (word === 'file:' || word === 'memory:') return { type: word === 'file:' ? 'file' : 'memory' }
    const scheme = /^(sqlite|redis|rediss|postgres|mysql):/i.exec(word)
    if (scheme !== null) throw new NotBuiltError(`the loader ${scheme[1]!.toLowerCase()}:`)
    const isModule = /::/.test(word) || /^[^:]*[./][^:]*$/.test(word)
    if (isModule && !word.includes('://')) throw new NotBuiltError("a loader of one's own, named by a directive,")
    throw expected('file: or memory:', word.replace(/^([A-Za-z0-9+.-]*:).+$/, '$1…'))
  },
  show: ({ type }) => `${type}:`,
})
