/** The extensions of handler modules, without the dot. A directive may leave it out: it means the first that exists. */
export const moduleExtensions = ['ts', 'mts', 'js', 'mjs', 'cjs'] as const

const ending = new RegExp(`\\.(?:${moduleExtensions.join('|')})$`)

/** A path without the extension of a module. */
export const withoutExtension = (path: string): string => path.replace(ending, '')
