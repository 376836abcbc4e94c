import { encode } from './encode.ts'

type Data = Readonly<Record<string, unknown>>

/**
 * Three-way, key by key: what was changed, added or deleted in `mine` since `base` replaces `theirs`; everything else is theirs. Where both
 * changed a key, mine counts, as the later one. Values are compared as they are stored.
 */
export function merge(base: Data, mine: Data, theirs: Data): Record<string, unknown> {
  const merged: Record<string, unknown> = Object.assign(Object.create(null), theirs)
  for (const key of new Set([...Object.keys(base), ...Object.keys(mine)])) {
    if (isSame(base, mine, key)) continue
    if (Object.hasOwn(mine, key)) merged[key] = mine[key]
    else delete merged[key]
  }
  return merged
}

function isSame(one: Data, other: Data, key: string): boolean {
  if (!Object.hasOwn(one, key) || !Object.hasOwn(other, key))
    return Object.hasOwn(one, key) === Object.hasOwn(other, key)
  return one[key] === other[key] || textOf(one[key]) === textOf(other[key])
}

const textOf = (value: unknown): string => encode({ value })
