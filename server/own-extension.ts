import { extname } from 'node:path'

/** Of pso's own files: `.ts`, or `.js` in the package, which is built, since Node strips no types below node_modules. */
export const ownExtension = extname(import.meta.url)
