import { resolve } from 'node:path'
import type { Directives, ModuleRef } from '../../directives/index.ts'
import { withoutCompression } from '../files/hidden-names.ts'
import { phases } from '../phases.ts'
import { withoutExtension } from './module-extensions.ts'

const known = new WeakMap<Directives, ReadonlySet<string>>()

/**
 * True for a file that a phase's directive or PSOSessionLoader in effect names as a module, with its extension or without: it is server
 * code before it has ever been loaded (DESIGN 4). Letter case and `.br .gz .zst` behind the name make no difference.
 */
export function isNamedModule(directives: Directives, file: string): boolean {
  let modules = known.get(directives)
  if (modules === undefined) {
    const { PSOSessionLoader } = directives
    const named: ModuleRef[] = phases.flatMap(({ directive }) => directives[directive] ?? [])
    if (PSOSessionLoader.type === 'module') named.push(PSOSessionLoader)
    modules = new Set(named.filter(({ module }) => module !== 'pso').map(pathOf))
    known.set(directives, modules)
  }
  if (modules.size === 0) return false
  const path = withoutCompression(file).toLowerCase()
  return modules.has(path) || modules.has(withoutExtension(path))
}

const pathOf = ({ base, module }: ModuleRef): string => resolve(base, module).toLowerCase()
