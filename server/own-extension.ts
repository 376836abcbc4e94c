import { extname } from 'node:path'

/** The extension of pso's own files: `.ts`, or `.js` in the package, which is built because Node strips no types below node_modules. */
export const ownExtension = extname(import.meta.url)
