import type { Table } from './layer.ts'
import { nearestName } from './nearest-name.ts'

/** Names of directives as users write them, whatever their case. */
export interface KnownNames {
  /** The row's name, aliases included. */
  find(name: string): string | undefined
  /** The row that has taken the place of an Apache or mod_python directive. */
  replacing(name: string): string | undefined
  nearest(name: string): string | undefined
}

export function knownNames(table: Table): KnownNames {
  let known = cache.get(table)
  if (known === undefined) cache.set(table, (known = makeKnownNames(table)))
  return known
}

const cache = new WeakMap<Table, KnownNames>()

function makeKnownNames(table: Table): KnownNames {
  const names = new Map<string, string>()
  const replaced = new Map<string, string>()
  for (const [name, { aliases = [], replaces = [] }] of Object.entries(table)) {
    for (const spelling of [name, ...aliases]) names.set(spelling.toLowerCase(), name)
    for (const spelling of replaces) replaced.set(spelling.toLowerCase(), name)
  }
  return {
    find: name => names.get(name.toLowerCase()),
    replacing: name => replaced.get(name.toLowerCase()),
    nearest: name => nearestName(name, Object.keys(table)),
  }
}
