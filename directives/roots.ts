import { statSync } from 'node:fs'
import type { Origins } from './merge.ts'
import type { Problem } from './problem.ts'
import { realPathOf } from './real-path.ts'
import type { ServerConfig } from './server-config.ts'
import { type Directives, rows } from './table.ts'

/** The directories that URLs are mapped to: the document root, and those of ScriptAlias. */
export const rootsOf = ({ documentRoot, scriptAliases }: ServerConfig): string[] => [
  ...new Set([documentRoot, ...scriptAliases.values()]),
]

export const isAtOrBelow = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`)

/** ScriptAlias directories that are missing, or overlap the document root: there another URL would send their programs as files. */
export function wrongScriptAliases({ ScriptAlias }: Directives, origins: Origins, documentRoot: string): Problem[] {
  return [...ScriptAlias].flatMap(([url, directory]) => {
    const real = realPathOf(directory)
    const overlaps = isAtOrBelow(real, documentRoot) || isAtOrBelow(documentRoot, real)
    if (isDirectory(real) && !overlaps) return []
    const line = rows.ScriptAlias.kind.show(new Map([[url, directory]]))
    const { at } = origins.get('ScriptAlias')!.findLast(({ value }) => value === line)!
    const what = overlaps ? 'a directory outside the document root' : 'a directory'
    const message = `expected ${what}, got "${directory}"`
    const hint = 'Options = +ExecCGI and SetHandler = cgi-script in a [Directory] section run what is inside'
    return [
      {
        code: 'bad-value',
        severity: 'error',
        at,
        name: 'ScriptAlias',
        message,
        ...(overlaps ? { hint } : {}),
      } as const,
    ]
  })
}

export const isDirectory = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
