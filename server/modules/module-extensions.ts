/** What the name of a handler module may end in, without the dot: a directive may leave it out, and means the first that is there. */
export const moduleExtensions = ['ts', 'mts', 'js', 'mjs', 'cjs'] as const

const ending = new RegExp(`\\.(?:${moduleExtensions.join('|')})$`)

/** A path without the extension of a module. */
export const withoutExtension = (path: string): string => path.replace(ending, '')
