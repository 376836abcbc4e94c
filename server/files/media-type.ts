import { createRequire } from 'node:module'
import { extname } from 'node:path'

const require = createRequire(import.meta.url)
let types: typeof import('mime-types') | undefined
/** Loaded with the first file that needs it, for its table takes time to build. */
const mimeTypes = (): typeof import('mime-types') => (types ??= require('mime-types') as typeof import('mime-types'))

/** What of the configuration decides a file's type. */
export interface TypeSettings {
  /** By extension, in lower case with its dot. */
  readonly AddType: ReadonlyMap<string, string>
  /** For text/html and text/plain; false: none. */
  readonly AddDefaultCharset: string | false | undefined
}

/**
 * The Content-Type of a file by its last extension: AddType's, else the registered one; text is UTF-8 unless AddDefaultCharset says
 * otherwise. A name without a known extension has no type, and a browser may ask for it to be saved.
 */
export function mediaTypeOf(file: string, { AddType, AddDefaultCharset }: TypeSettings): string | undefined {
  const extension = extname(file).toLowerCase()
  const type = AddType.get(extension) ?? (mimeTypes().lookup(extension) || undefined)
  if (type === undefined || /;\s*charset=/i.test(type)) return type
  if (type === 'text/html' || type === 'text/plain') {
    if (AddDefaultCharset === false) return type
    return `${type}; charset=${AddDefaultCharset ?? 'utf-8'}`
  }
  const usual = mimeTypes().charset(type)
  return usual === false ? type : `${type}; charset=${usual.toLowerCase()}`
}
