import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** As many links as Linux follows before it gives up. */
const MAX_LINKS = 40

/** An absolute path with its links resolved for as much of it as exists, a link to what is not there yet included. Never throws. */
export function realPathOf(path: string, links: number = MAX_LINKS): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    if (parent === path) return path
    const entry = join(realPathOf(parent, links), basename(path))
    const target = links > 0 ? linkAt(entry) : undefined
    return target === undefined ? entry : realPathOf(resolve(dirname(entry), target), links - 1)
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
