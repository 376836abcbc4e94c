import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isHiddenName } from '../hidden-names.ts'
import type { Location } from '../locate.ts'
import { escapeHtml, page } from '../page.ts'

/** One line of a listing. */
export interface ListedEntry {
  readonly name: string
  readonly isDirectory: boolean
  readonly size: number
  readonly modified: Date
}

const MOST = 10_000

/** The page that lists a directory; names that are never sent are not in it. */
export async function listDirectory(location: Location, accessFileNames: readonly string[]): Promise<string> {
  const entries: ListedEntry[] = []
  let isCut = false
  for await (const { name } of await opendir(location.directory)) {
    if (isHiddenName(name, accessFileNames)) continue
    if (entries.length === MOST) {
      isCut = true
      break
    }
    // a broken link, or a file that has just gone, is not there
    const found = await stat(join(location.directory, name)).catch(() => undefined)
    if (found?.isFile() || found?.isDirectory())
      entries.push({ name, isDirectory: found.isDirectory(), size: found.size, modified: found.mtime })
  }
  return listingPage(location.path, entries, isCut)
}

/** Directories first, then files, each by name. Names are escaped, and no name can become another scheme or host. */
export function listingPage(path: string, entries: readonly ListedEntry[], isCut: boolean): string {
  const byName = (a: ListedEntry, b: ListedEntry): number => (a.name < b.name ? -1 : 1)
  const sorted = [...entries].sort((a, b) => Number(b.isDirectory) - Number(a.isDirectory) || byName(a, b))
  const parent = path === '/' ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n'
  const title = `Index of ${path}`
  return page(
    title,
    `<h1>${escapeHtml(title)}</h1>
<table>
<tr><th>Name</th><th class="number">Size</th><th class="number">Modified</th></tr>
${parent}${sorted.map(row).join('\n')}
</table>${isCut ? `\n<p>The first ${MOST} entries are shown.</p>` : ''}`,
  )
}

function row({ name, isDirectory, size, modified }: ListedEntry): string {
  const slash = isDirectory ? '/' : ''
  const link = `<a href="./${escapeHtml(encodeURIComponent(name.toWellFormed()))}${slash}">${escapeHtml(name)}${slash}</a>`
  const when = modified.toISOString().slice(0, 16).replace('T', ' ')
  return `<tr><td>${link}</td><td class="number">${isDirectory ? '' : shownSize(size)}</td><td class="number">${when}</td></tr>`
}

function shownSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4)
  return `${(bytes / 1024 ** power).toFixed(1)} ${'KMGT'[power - 1]}iB`
}
