import { relative, sep } from 'node:path'

/**
 * The directories from `root` down to `directory`, both included. Both absolute and without a slash at the end.
 * Order after Apache's directory walk (server/request.c): the nearest speaks last.
 * Throws a RangeError where `directory` is not at or below `root`.
 */
export function chainOf(root: string, directory: string): string[] {
  const below = relative(root, directory)
  if (below === '..' || below.startsWith(`..${sep}`)) throw new RangeError(`${directory} is not below ${root}`)
  const chain = [root]
  for (const name of below === '' ? [] : below.split(sep))
    chain.push(`${chain.at(-1) === '/' ? '' : chain.at(-1)}/${name}`)
  return chain
}
