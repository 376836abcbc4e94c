import { basename, relative, resolve } from 'node:path'
import { type Kind, NotBuiltError, type ValueContext } from '../kind.ts'
import { realPathOf } from '../real-path.ts'
import { oneWord } from './combinators.ts'
import { expected, showWord } from './expected.ts'

/** A path that is only read, absolute; relative to the server root, or the file's own directory. */
export const path: Kind<string> = oneWord({
  syntax: 'PATH',
  expects: 'a path',
  read: (word, { base }) => (isPath(word) ? resolve(base, word) : undefined),
})

/** A path that the server writes to, absolute; relative to `StateDirectory`, and never where a request could reach it. */
export const pathForWriting: Kind<string> = oneWord({ syntax: 'PATH', expects: 'a path', read: readPathForWriting })

export type LogTarget =
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'stdout' | 'stderr' | 'none' }

export const logTarget: Kind<LogTarget> = oneWord<LogTarget>({
  syntax: 'PATH | stdout | stderr | none',
  expects: 'a path, stdout, stderr or none',
  read(word, context) {
    if (word === 'stdout' || word === 'stderr' || word === 'none') return { type: word }
    if (word.startsWith('|') || word.startsWith('syslog'))
      throw new NotBuiltError('a log that is piped or sent to syslog')
    const file = readPathForWriting(word, context)
    return file === undefined ? undefined : { type: 'file', path: file }
  },
  show: target => (target.type === 'file' ? showWord(target.path) : target.type),
})

// a URL here is a slip, and its password would be shown as a part of the path
const isPath = (word: string): boolean => /^[^\0-\x1f]+$/.test(word) && !word.includes('://')

/** An absolute path, or an error: without these checks a directive could write what the next request runs or reads (DESIGN 3). */
export function readPathForWriting(
  word: string,
  context: Pick<ValueContext, 'stateDirectory' | 'documentRoot' | 'accessFileNames'>,
): string | undefined {
  if (!isPath(word)) return undefined
  const file = resolve(context.stateDirectory, word)
  const names = [basename(file), basename(realPathOf(file))].map(name => name.toLowerCase())
  if (names.some(name => /\.([mc]?[jt]s|tsx)$/.test(name))) throw expected("a path without a handler's extension", word)
  const accessFiles = context.accessFileNames ?? ['.psoaccess']
  if (accessFiles.some(name => names.includes(name.toLowerCase())))
    throw expected('a path that is no access file', word)
  if (isReachable(file, context.documentRoot))
    throw expected('a path outside the document root, or one with a component that begins with a dot', word)
  return file
}

/**
 * True for an absolute path in the document root, as it is written or with its links resolved: a request could reach it. Names that
 * begin with a dot are never sent, but those in `.well-known` are.
 */
export function isReachable(path: string, documentRoot: string): boolean {
  return [path, realPathOf(path)].some(one => {
    const components = relative(documentRoot, one).split('/')
    return (
      components[0] !== '..' && !components.some(name => name.startsWith('.') && name.toLowerCase() !== '.well-known')
    )
  })
}
