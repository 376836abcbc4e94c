import type { Dir, Dirent, Stats } from 'node:fs'
import { lstat, opendir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isHiddenName } from '../files/hidden-names.ts'
import type { Location } from '../locate.ts'
import { escapeHtml, page } from '../page.ts'
import { Refusal } from '../refusal.ts'

/** One line of a listing. */
export interface ListedEntry {
  readonly name: string
  readonly isDirectory: boolean
  readonly size: number
  readonly modified: Date
}

/** Whether a name may be seen that leads to a real path. */
type IsShown = (realPath: string, name: string) => boolean

const MOST = 10_000

/**
 * The page that lists a directory: what `isShown`, the second check of a real path and of the name that leads there, lets through, but no
 * name that a URL cannot spell. `prefix`: where the site is mounted.
 */
export async function listDirectory(
  location: Location,
  accessFileNames: readonly string[],
  isShown: IsShown,
  prefix = '',
): Promise<string> {
  const entries: ListedEntry[] = []
  let isCut = false
  const realDirectory = await realpath(location.directory).catch(notRead)
  for await (const entry of await openDirectory(location.directory)) {
    if (!isSpelled(entry.name) || isHiddenName(entry.name, accessFileNames)) continue
    if (entries.length === MOST) {
      isCut = true
      break
    }
    const found = await look(entry, location.directory, realDirectory, isShown)
    if (found?.isFile() || found?.isDirectory())
      entries.push({ name: entry.name, isDirectory: found.isDirectory(), size: found.size, modified: found.mtime })
  }
  return listingPage(location.path, entries, isCut, location.query, prefix)
}

const openDirectory = (directory: string): Promise<Dir> => opendir(directory, { bufferSize: 256 }).catch(notRead)

function notRead(error: NodeJS.ErrnoException): never {
  throw new Refusal(error.code === 'ENOENT' ? 404 : 403, `the directory cannot be read: ${error.code}`)
}

/** A URL with a control character or a backslash is refused, and a name that is no UTF-8 has none. */
const isSpelled = (name: string): boolean => !/[\x00-\x1f\x7f\\\ufffd]/.test(name)

/** Undefined for what would not be sent; a broken link, or a file that has just gone, is not there. */
async function look(
  entry: Dirent,
  directory: string,
  realDirectory: string,
  isShown: IsShown,
): Promise<Stats | undefined> {
  const path = join(directory, entry.name)
  try {
    if (!entry.isSymbolicLink())
      return isShown(join(realDirectory, entry.name), entry.name) ? await lstat(path) : undefined
    return isShown(await realpath(path), entry.name) ? await stat(path) : undefined
  } catch {
    return undefined
  }
}

/**
 * Directories first, then files, each by name, or as Apache's `?C=N|M|S;O=A|D` says. Names are escaped, so none can become another scheme
 * or host.
 */
export function listingPage(
  path: string,
  entries: readonly ListedEntry[],
  isCut: boolean,
  query?: string,
  prefix = '',
): string {
  const [, column = 'N', order = 'A'] = /^C=([NMS]);O=([AD])$/.exec(query ?? '') ?? []
  const direction = order === 'A' ? 1 : -1
  const compare = (a: ListedEntry, b: ListedEntry): number =>
    Number(b.isDirectory) - Number(a.isDirectory) || direction * (by[column as Column](a, b) || by.N(a, b))
  const head = (letter: Column, name: string): string =>
    `<a href="?C=${letter};O=${letter === column && order === 'A' ? 'D' : 'A'}">${name}</a>`
  const parent = path === '/' ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n'
  const title = `Index of ${prefix}${path}`
  return page(
    title,
    `<h1>${escapeHtml(title)}</h1>
<table>
<tr><th>${head('N', 'Name')}</th><th class="number">${head('S', 'Size')}</th><th class="number">${head('M', 'Modified')}</th></tr>
${parent}${[...entries].sort(compare).map(row).join('\n')}
</table>${isCut ? `\n<p>There are more than the ${MOST} entries shown.</p>` : ''}`,
  )
}

type Column = keyof typeof by

const by = {
  N: (a: ListedEntry, b: ListedEntry): number => (a.name < b.name ? -1 : 1),
  M: (a: ListedEntry, b: ListedEntry): number => a.modified.getTime() - b.modified.getTime(),
  S: (a: ListedEntry, b: ListedEntry): number => a.size - b.size,
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
