import { Refusal } from './refusal.ts'

/** Nothing to decode and nothing to normalise: most URLs. A dot may only follow another character of a name. */
const PLAIN = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\/?$/

/**
 * The path and query of a request target, in origin-form or absolute-form (RFC 9112 section 3.2); the path is decoded once and
 * normalised (`//`, `.`, `..`). Throws a Refusal: 400 for bad escapes, bad UTF-8 and what climbs above the root, 404 for NUL and
 * other control characters, and for an encoded slash or a backslash (Apache's AllowEncodedSlashes Off).
 */
export function pathOf(target: string): { path: string; query: string | undefined } {
  const mark = target.indexOf('?')
  const query = mark === -1 ? undefined : target.slice(mark + 1)
  const given = mark === -1 ? target : target.slice(0, mark)
  if (given !== '' && PLAIN.test(given)) return { path: given, query }
  return { path: normalised(decoded(originForm(given))), query }
}

function originForm(given: string): string {
  if (given.startsWith('/')) return given
  const absolute = /^https?:\/\/[^/?#]*/i.exec(given)
  if (absolute === null) throw new Refusal(400, 'the request target is no path')
  return given.slice(absolute[0].length) || '/'
}

function decoded(path: string): string {
  if (/%(?![0-9a-f]{2})/i.test(path)) throw new Refusal(400, 'a percent sign is not followed by two hexadecimal digits')
  if (/%2f|%5c|\\/i.test(path)) throw new Refusal(404, 'an encoded slash or a backslash')
  // what node reads of a request line is latin1: raw bytes above ASCII are taken as UTF-8, as encoded ones are
  const raw =
    /[\x80-\xff]/.test(path) && !/[^\x00-\xff]/.test(path) ? Buffer.from(path, 'latin1').toString('utf8') : path
  let text: string
  try {
    text = decodeURIComponent(raw)
  } catch {
    throw new Refusal(400, 'the path is not UTF-8')
  }
  if (text.includes('\ufffd')) throw new Refusal(400, 'the path is not UTF-8')
  if (/[\x00-\x1f\x7f]/.test(text)) throw new Refusal(404, 'a control character')
  return text
}

function normalised(path: string): string {
  const pieces: string[] = []
  const given = path.split('/')
  for (const piece of given) {
    if (piece === '' || piece === '.') continue
    if (piece !== '..') pieces.push(piece)
    else if (pieces.pop() === undefined) throw new Refusal(400, 'the path climbs above the document root')
  }
  const last = given.at(-1)
  const hasSlash = last === '' || last === '.' || last === '..'
  return `/${pieces.join('/')}${hasSlash && pieces.length > 0 ? '/' : ''}`
}
