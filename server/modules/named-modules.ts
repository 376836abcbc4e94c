import { resolve } from 'node:path'
import type { Directives } from '../../directives/index.ts'
import { withoutCompression } from '../files/hidden-names.ts'
import { phases } from '../phases.ts'

const known = new WeakMap<Directives, ReadonlySet<string>>()

/**
 * True for a file that a phase's directive in effect names as a module, with its extension or without: it is server code before it has
 * ever been loaded (DESIGN 4). Letter case and `.br .gz .zst` behind the name make no difference.
 */
export function isNamedModule(directives: Directives, file: string): boolean {
  let modules = known.get(directives)
  if (modules === undefined) {
    const named = phases.flatMap(({ directive }) => directives[directive] ?? [])
    modules = new Set(named.filter(({ module }) => module !== 'pso').map(pathOf))
    known.set(directives, modules)
  }
  if (modules.size === 0) return false
  const path = withoutCompression(file).toLowerCase()
  return modules.has(path) || modules.has(path.replace(/\.[cm]?[jt]s$/, ''))
}

const pathOf = ({ base, module }: { readonly base: string; readonly module: string }): string =>
  resolve(base, module).toLowerCase()
