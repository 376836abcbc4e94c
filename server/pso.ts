/** What a handler imports from the package `pso`, from wherever its directory is; `door.ts` adds what a program needs. */
export * from './api/package.ts'
export * as pso from './api/package.ts'
