/** The package `pso`: what a handler imports, from wherever its directory is. Nothing else of the server is public. */
export * from './api/package.ts'
export * as pso from './api/package.ts'
