import { resolve } from 'node:path'
import type { Kind } from '../kind.ts'
import { expected, showWord } from './expected.ts'

/** By URL path, with a slash at the end: the directory, absolute. */
export type ScriptAliases = ReadonlyMap<string, string>

/** `/cgi-bin/ DIRECTORY`; with the slash at the end of the path or without. */
export const scriptAliases: Kind<ScriptAliases> = {
  syntax: '/URL-PATH/ DIRECTORY',
  parse(words, { base }) {
    const [url, directory] = words
    if (url === undefined || directory === undefined || words.length > 2)
      throw expected('a URL path and a directory, such as /cgi-bin/ cgi-bin', words)
    if (!isPlainPath(url)) throw expected('a URL path like /cgi-bin/, not encoded', url)
    if (!/^[^\0-\x1f]+$/.test(directory) || directory.includes('://')) throw expected('a directory', directory)
    return new Map([[url.endsWith('/') ? url : `${url}/`, resolve(base, directory)]])
  },
  show: map => [...map].map(([url, directory]) => `${showWord(url)} ${showWord(directory)}`).join(', '),
}

/** True for the path of a URL as it is looked up: decoded, without empty pieces and dots; not all of the server. */
const isPlainPath = (url: string): boolean =>
  /^(?:\/[^/\0-\x1f\x7f\\%?#]+)+\/?$/.test(url) && !url.split('/').some(piece => piece === '.' || piece === '..')
