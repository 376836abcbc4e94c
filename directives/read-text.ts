import { isUtf8 } from 'node:buffer'
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, realpathSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { MAX_BYTES } from './read-lines.ts'

/** What is wrong with a file before its first line is read. */
export interface Unreadable {
  readonly code: 'unreadable' | 'too-large' | 'bad-line'
  readonly line: number
  readonly message: string
  /** The system's error code, where the system could not read the file. */
  readonly cause?: string | undefined
}

/**
 * The text of a configuration file. Never blocks: what is no regular file (FIFO, socket, device, directory) is not read.
 * With `root`, a symbolic link that leads out of it is not followed.
 */
export function readText(file: string, root?: string): string | Unreadable {
  let descriptor: number | undefined
  try {
    if (root !== undefined && lstatSync(file).isSymbolicLink() && leaves(root, realpathSync(file)))
      return unreadable('expected a file in the document root, got a link that leaves it')
    // without O_NONBLOCK, opening a FIFO waits for its writer
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) return unreadable(`expected a file, got ${stat.isDirectory() ? 'a directory' : 'a device'}`)
    if (stat.size > MAX_BYTES)
      return { code: 'too-large', line: 1, message: `expected at most ${MAX_BYTES} bytes, got ${stat.size}` }
    const bytes = readFileSync(descriptor)
    const text = bytes.toString()
    return isUtf8(bytes) ? text : { code: 'bad-line', line: lineOfBadByte(text), message: 'expected UTF-8 text' }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { ...unreadable(`the file cannot be read: ${reasons[code ?? ''] ?? code ?? message}`), cause: code }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

const unreadable = (message: string): Unreadable => ({ code: 'unreadable', line: 1, message })

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENXIO: 'it is a socket',
  EACCES: 'permission denied',
  ELOOP: 'too many links',
}

const leaves = (root: string, path: string): boolean => {
  const below = relative(root, path)
  return below === '..' || below.startsWith(`..${sep}`)
}

/** The first line in which decoding had to put a replacement character. */
const lineOfBadByte = (text: string): number => text.slice(0, text.indexOf('\uFFFD')).split(/\r\n|\n|\r/).length
