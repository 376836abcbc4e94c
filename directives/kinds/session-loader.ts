import { dirname } from 'node:path'
import type { Kind, ModuleRef, ValueContext } from '../kind.ts'
import { oneWord } from './combinators.ts'
import { expected, showWord } from './expected.ts'
import { readPathForWriting } from './paths.ts'

/** Where sessions are kept. The directory of `file` is PSOSessionFileLoader_Path; the path of `sqlite` is absolute. */
export type LoaderChoice =
  | { readonly type: 'file' }
  | { readonly type: 'memory' }
  | { readonly type: 'sqlite'; readonly path: string }
  | { readonly type: 'redis' | 'postgres' | 'mysql'; readonly url: string }
  | LoaderModule

/** A class of a user's module, relative to the file that names it. */
export interface LoaderModule extends ModuleRef {
  readonly type: 'module'
  /** Absent: the default export, else the only class that is a loader. */
  readonly className?: string
}

const forms = 'file:, memory:, sqlite:PATH, redis://…, rediss://…, postgres://…, mysql://… or MODULE[::CLASS]'

/** The messages name the scheme alone: what follows may hold a password. */
export const loaderChoice: Kind<LoaderChoice> = oneWord<LoaderChoice>({
  syntax: 'file: | memory: | sqlite:PATH | redis://… | rediss://… | postgres://… | mysql://… | MODULE[::CLASS]',
  expects: forms,
  read(word, context) {
    if (word === 'file:') return { type: 'file' }
    if (word === 'memory:') return { type: 'memory' }
    const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/is.exec(word) ?? []
    switch (scheme.toLowerCase()) {
      case 'sqlite':
        return { type: 'sqlite', path: sqlitePath(rest, context) }
      case 'redis':
      case 'rediss':
        return { type: 'redis', url: urlOf(word, 'redis://HOST:PORT/NUMBER') }
      case 'postgres':
      case 'postgresql':
        return { type: 'postgres', url: urlOf(word, 'postgres://USER:PASSWORD@HOST:PORT/DATABASE') }
      case 'mysql':
        return { type: 'mysql', url: urlOf(word, 'mysql://USER:PASSWORD@HOST:PORT/DATABASE') }
    }
    const module = moduleOf(word, context)
    if (module === undefined) throw expected(forms, withoutSecrets(word))
    return module
  },
  show(choice) {
    if (choice.type === 'module')
      return showWord(choice.className === undefined ? choice.module : `${choice.module}::${choice.className}`)
    if ('url' in choice) return shownUrl(choice.url)
    return showWord(choice.type === 'sqlite' ? `sqlite:${choice.path}` : `${choice.type}:`)
  },
  modules: choice => (choice.type === 'module' ? [choice] : []),
})

/** `MODULE[::CLASS]`; a store's name without its colon is a slip, not a module. */
function moduleOf(word: string, { at }: ValueContext): LoaderModule | undefined {
  const [, module, className] = /^([^:\0-\x1f|]+?)(?:::([\p{ID_Start}$_][\p{ID_Continue}$]*))?$/u.exec(word) ?? []
  if (module === undefined || (className === undefined && stores.test(module))) return undefined
  return { type: 'module', module, ...(className === undefined ? {} : { className }), base: dirname(at.file), at }
}

const stores = /^(?:files?|memory|sqlite|rediss?|postgres(?:ql)?|mysql)$/i

function sqlitePath(word: string, context: ValueContext): string {
  const path = word.startsWith('//') ? undefined : readPathForWriting(word, context)
  if (path === undefined) throw expected('sqlite:PATH, the path relative to StateDirectory', `sqlite:${word}`)
  return path
}

function urlOf(word: string, form: string): string {
  const url = URL.parse(word)
  const isWhole = url !== null && word.includes('://') && url.hostname !== '' && url.hash === ''
  if (!isWhole || (form.endsWith('/DATABASE') && url.pathname.length < 2)) throw expected(form, withoutSecrets(word))
  return word
}

const withoutSecrets = (word: string): string => word.replace(/^([A-Za-z0-9+.-]*:).+$/s, '$1…')

/** Drivers take secrets in the query too; the one before the host `showWord` covers. */
const shownUrl = (url: string): string =>
  showWord(url.replace(/([?&][^=&]*(?:pass|pwd|secret|key)[^=&]*=)[^&]*/gi, '$1***'))
