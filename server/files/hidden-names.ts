import { isAbsolute, relative, sep } from 'node:path'
import { moduleExtensions } from '../modules/module-extensions.ts'

/**
 * What the web may see of a name on disk (DESIGN 4): `hidden` names are never sent, listed or found; `source` is TypeScript,
 * sent only by `SetHandler = default-handler`, and only where it is a file.
 * Letter case, dots and spaces at the end and `.br .gz .zst` behind the name make no difference.
 */
export function nameClass(name: string, accessFileNames: readonly string[]): 'plain' | 'source' | 'hidden' {
  const lower = name.toLowerCase()
  if (lower.charCodeAt(0) === dot) return lower === '.well-known' ? 'plain' : 'hidden'
  const bare = withoutCompression(lower)
  if (bare.endsWith('~') || (bare.startsWith('#') && bare.endsWith('#'))) return 'hidden'
  for (const accessFileName of accessFileNames) if (bare === accessFileName.toLowerCase()) return 'hidden'
  const point = bare.lastIndexOf('.')
  if (point === -1) return 'plain'
  const extension = bare.slice(point + 1)
  if (leftovers.has(extension)) return 'hidden'
  if (point === 'handler'.length && isHandlerSource(bare)) return 'hidden'
  return sources.has(extension) ? 'source' : 'plain'
}

/** True for `handler.ts` and its like, whatever the case: it is never sent, but a link to it may be run as a CGI program. */
export function isHandlerSource(name: string): boolean {
  const lower = name.toLowerCase()
  return lower.startsWith('handler.') && handlers.has(lower.slice('handler.'.length))
}

/** True for a name that no listing shows and no URL finds on disk: hidden names and TypeScript. */
export const isHiddenName = (name: string, accessFileNames: readonly string[]): boolean =>
  nameClass(name, accessFileNames) !== 'plain'

/** What the second check needs to know besides the path. */
export interface ServableRules {
  readonly accessFileNames: readonly string[]
  /** True for the real path of a file that a handler is loaded from or imports. */
  readonly isModule: (realPath: string) => boolean
  /** `SetHandler = default-handler` stands for this file. */
  readonly allowTypeScript: boolean
  /** `Options` has let a symbolic link leave the root for this file. */
  readonly allowOutside: boolean
}

/**
 * The second check, of the file about to be opened: `realPath` as the file system spells it, links resolved.
 * Independent of the first, which sees the URL's names: letter case, links and what changed since are caught here.
 * Outside the root only the names that the root's own path does not have are judged.
 */
export function isServable(realPath: string, realRoot: string, rules: ServableRules): boolean {
  const names = namesBelow(realPath, realRoot)
  if (names === undefined && !rules.allowOutside) return false
  return areServableNames(names ?? namesBesides(realPath, realRoot), rules.accessFileNames, rules.allowTypeScript)
    ? !rules.isModule(realPath) && !rules.isModule(withoutCompression(realPath))
    : false
}

/**
 * The same check of a CGI program that is about to be run. A source may be run, a handler's or a module's too: a program may be a link to
 * the very file that answers as a handler.
 */
export function isRunnable(
  realPath: string,
  realRoot: string,
  { accessFileNames, allowOutside }: Pick<ServableRules, 'accessFileNames' | 'allowOutside'>,
): boolean {
  const below = namesBelow(realPath, realRoot)
  if (below === undefined && !allowOutside) return false
  const names = below ?? namesBesides(realPath, realRoot)
  return areServableNames(isHandlerSource(names.at(-1) ?? '') ? names.slice(0, -1) : names, accessFileNames, true)
}

/** True if no directory of the names is hidden and the last, a file's, is neither hidden nor, unless allowed, TypeScript. */
export function areServableNames(
  names: readonly string[],
  accessFileNames: readonly string[],
  allowTypeScript: boolean,
): boolean {
  for (let at = 0; at < names.length; at++) {
    const found = nameClass(names[at]!, accessFileNames)
    if (found === 'hidden' || (found === 'source' && at === names.length - 1 && !allowTypeScript)) return false
  }
  return true
}

/** The names between the root and the path; undefined where the path is not below the root. */
export function namesBelow(realPath: string, realRoot: string): string[] | undefined {
  if (realPath === realRoot) return []
  const prefix = realRoot.endsWith(sep) ? realRoot : realRoot + sep
  return realPath.startsWith(prefix) ? realPath.slice(prefix.length).split(sep) : undefined
}

/** The names of a path outside the root, without those that it shares with the root's path. */
function namesBesides(realPath: string, realRoot: string): string[] {
  const way = relative(realRoot, realPath)
  return (isAbsolute(way) ? realPath : way).split(sep).filter(name => name !== '..' && name !== '')
}

/** A name or path without the `.br .gz .zst`, dots and spaces behind it. */
export function withoutCompression(name: string): string {
  for (let end = name.length; ; ) {
    while (end > 0 && (name.charCodeAt(end - 1) === dot || name.charCodeAt(end - 1) === space)) end--
    const last = name.slice(Math.max(0, end - 4), end).toLowerCase()
    const suffix = compressions.find(suffix => last.endsWith(suffix))
    if (suffix === undefined) return end === name.length ? name : name.slice(0, end)
    end -= suffix.length
  }
}

const dot = 46
const space = 32
const compressions = ['.br', '.gz', '.zst']
const leftovers = new Set(['bak', 'orig', 'save', 'old', 'tmp', 'swp', 'swo', 'rej'])
const sources = new Set(['ts', 'mts', 'cts', 'tsx'])
const handlers: ReadonlySet<string> = new Set(moduleExtensions)
