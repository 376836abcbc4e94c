import { dirname } from 'node:path'
import type { Kind, ModuleRef } from '../kind.ts'
import { extension } from './by-extension.ts'
import { isOnly } from './combinators.ts'
import { expected, showWords } from './expected.ts'

/** A function of a handler module, as a phase's directive names it. */
export interface HandlerRef extends ModuleRef {
  /** May be dotted: `object.method`; absent: the phase's default. */
  readonly function?: string
  /** In lower case with their dot, from `page.ts | .html .txt`; absent: for every file. */
  readonly extensions?: readonly string[]
}

/** The functions of a phase; `none` is the empty list. */
export const handlerList: Kind<readonly HandlerRef[]> = {
  syntax: 'MODULE[::FUNCTION] … | none',
  parse: (words, { at }) =>
    isOnly(words, 'none') ? [] : references(words, words).map(ref => ({ ...ref, base: dirname(at.file), at })),
  show: refs => (refs.length === 0 ? 'none' : showWords(refs.map(showReference))),
  modules: refs => refs,
}

/** As handlerList, and the modules of a line may be for some extensions only. */
export const contentHandlerList: Kind<readonly HandlerRef[]> = {
  syntax: 'MODULE[::FUNCTION] … [| .EXTENSION …] | none',
  parse(words, context) {
    const parts = words.flatMap(word => word.split(/(\|)/)).filter(part => part !== '')
    const bar = parts.indexOf('|')
    if (bar === -1) return handlerList.parse(words, context)
    if (bar === parts.length - 1) throw expected('MODULE | .EXTENSION …', words)
    const { at } = context
    const extensions = parts.slice(bar + 1).map(extension)
    return references(parts.slice(0, bar), words).map(ref => ({ ...ref, extensions, base: dirname(at.file), at }))
  },
  show(refs) {
    if (refs.length === 0) return 'none'
    const lines = [...Map.groupBy(refs, ({ extensions }) => extensions?.join(' '))]
    return lines
      .map(
        ([extensions, line]) =>
          showWords(line.map(showReference)) + (extensions === undefined ? '' : ` | ${extensions}`),
      )
      .join(', ')
  },
  modules: refs => refs,
}

function references(names: readonly string[], words: readonly string[]): Pick<HandlerRef, 'module' | 'function'>[] {
  if (names.length === 0) throw expected('MODULE[::FUNCTION]', words)
  return names.map(name => {
    const [module, wanted, ...more] = name.split('::')
    const isName = module !== '' && !/[\0-\x1f|]/.test(module!) && more.length === 0 && !isOnly([name], 'none')
    if (!isName || (wanted !== undefined && !functionName.test(wanted))) throw expected('MODULE[::FUNCTION]', name)
    if (module === 'pso.modpython') throw expected(`pso::${wanted ?? 'fixup'}`, name)
    return { module: module!, ...(wanted === undefined ? {} : { function: wanted }) }
  })
}

const functionName = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u

const showReference = (ref: HandlerRef): string =>
  ref.function === undefined ? ref.module : `${ref.module}::${ref.function}`
