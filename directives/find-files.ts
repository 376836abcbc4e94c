import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Every access file at or below `root`, for `pso check`; in the order of their names. Links are not followed, and names that begin
 * with a dot are skipped, except `.well-known`: no request gets there. A directory that cannot be read is skipped too.
 */
export function findFiles(root: string, names: readonly string[]): string[] {
  const files: string[] = []
  const open = [root]
  while (open.length > 0) {
    const directory = open.pop()!
    const entries = entriesOf(directory)
    for (const { name } of entries) if (names.includes(name)) files.push(join(directory, name))
    for (const entry of entries)
      if (entry.isDirectory() && (!entry.name.startsWith('.') || entry.name === '.well-known'))
        open.push(join(directory, entry.name))
  }
  return files.sort()
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return []
  }
}
