import { realpathSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ownExtension } from '../own-extension.ts'
import { hasChanged } from './file-stamps.ts'

/**
 * Who imports whom among the users' modules, by URL without its query. A changed file, and all that import it, get another version, which
 * is another URL (`?v=N`) and so another module; what nobody touched keeps its URL and stays the one object it was.
 * Node keeps every version it has loaded: some four times the source for each reload.
 */
interface Module {
  version: number
  readonly imports: Set<string>
  readonly importers: Set<string>
}

const modules = new Map<string, Module>()
/** The URLs that `importModule` asks for: users' modules by definition, wherever they lie. */
const entries = new Set<string>()
let versions = 0

const ownDirectory = new URL('..', import.meta.url).href
/** The package's door of this very copy, so that a handler and the program that serves it have the same classes. */
const pso = {
  url: new URL(`../door${ownExtension}`, import.meta.url).href,
  format: ownExtension === '.ts' ? 'module-typescript' : 'module',
}
const require = createRequire(import.meta.url)
let door: Promise<unknown> | undefined

/** Once a process and thread: `pso` resolves from everywhere, and users' imports are recorded. */
export function installModuleHooks(): void {
  if (door !== undefined) return
  // before any handler: where a CommonJS module of a later version is the first to require it, Node strips no types
  door = import(pso.url)
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier === 'pso') return { ...pso, shortCircuit: true }
      if (entries.has(withoutQuery(specifier))) return asEntry(nextResolve(specifier, context))
      const parent = withoutQuery(context.parentURL ?? '')
      if (!isUsers(parent)) return nextResolve(specifier, context)
      let resolved: ReturnType<typeof nextResolve>
      try {
        resolved = nextResolve(specifier, context)
      } catch (error) {
        // what is imported and missing: making it is a change of the module that imports it
        if (/^(?:\.{0,2}\/|file:)/.test(specifier)) {
          const wanted = withoutQuery(new URL(specifier, parent).href)
          hasChanged(fileURLToPath(wanted))
          record(parent, wanted)
        }
        throw error
      }
      const url = withoutQuery(resolved.url)
      if (!isUsers(url)) return resolved
      // looked at before it is read: an edit while it loads is seen by the next request, one before it is not missed
      const file = fileURLToPath(url)
      if (hasChanged(file)) invalidate(file)
      record(parent, url)
      return asModule({ ...resolved, url: versioned(url) })
    },
  })
}

/** True where this process serves, or a command of pso looks at modules: users' files are imported, not run. */
export const isServing = (): boolean => door !== undefined

/** The module of a file, in its present version. The same promise's result as long as the version is the same. */
export async function importModule(file: string): Promise<Record<string, unknown>> {
  const url = urlOf(file)
  entries.add(url)
  await door
  return import(versioned(url))
}

/** 0 until the file, or something it imports, has changed. */
export const versionOf = (file: string): number => modules.get(urlOf(file))?.version ?? 0

/** True for a file that was loaded as a user's module. */
export const isModuleFile = (file: string): boolean => modules.has(urlOf(file)) || entries.has(urlOf(file))

/** The file and all that it imports, whether or not they exist. */
export function filesOf(file: string): string[] {
  const found = new Set([urlOf(file)])
  for (const url of found) for (const imported of modules.get(url)?.imports ?? []) found.add(imported)
  return Array.from(found, url => fileURLToPath(url))
}

/** The file has changed: it and all that import it are other modules from now on. */
export function invalidate(file: string): void {
  const version = ++versions
  const changed = new Set([urlOf(file)])
  for (const url of changed) for (const importer of moduleOf(url).importers) changed.add(importer)
  for (const url of changed) {
    const module = moduleOf(url)
    module.version = version
    // recorded again when it is loaded
    for (const imported of module.imports) moduleOf(imported).importers.delete(url)
    module.imports.clear()
    delete require.cache[fileURLToPath(url)]
  }
}

function moduleOf(url: string): Module {
  let module = modules.get(url)
  if (module === undefined) modules.set(url, (module = { version: 0, imports: new Set(), importers: new Set() }))
  return module
}

function record(importer: string, imported: string): void {
  moduleOf(importer).imports.add(imported)
  moduleOf(imported).importers.add(importer)
}

function versioned(url: string): string {
  const version = modules.get(url)?.version ?? 0
  return version === 0 ? url : `${url}?v=${version}`
}

/** A `"type": "commonjs"` near a handler is npm's default, not a decision: TypeScript with exports is a module all the same. */
function asModule<Resolved extends { url: string; format?: string | null | undefined }>(resolved: Resolved): Resolved {
  return /\.ts$/.test(withoutQuery(resolved.url)) ? { ...resolved, format: 'module-typescript' } : resolved
}

/** A program may have any name, `test.cgi` or one without a dot: what has none of JavaScript's own extensions is TypeScript. */
const asEntry = <Resolved extends { url: string; format?: string | null | undefined }>(resolved: Resolved): Resolved =>
  /\.(?:[cm]?js|[cm]ts|[jt]sx)$/.test(withoutQuery(resolved.url))
    ? resolved
    : { ...resolved, format: 'module-typescript' }

const isUsers = (url: string): boolean =>
  url.startsWith('file:') && !url.includes('/node_modules/') && !url.startsWith(ownDirectory)

const withoutQuery = (url: string): string => {
  const at = url.indexOf('?')
  return at === -1 ? url : url.slice(0, at)
}

const urls = new Map<string, string>()

function urlOf(file: string): string {
  let url = urls.get(file)
  if (url === undefined) urls.set(file, (url = pathToFileURL(file).href))
  return url
}

/** Node names a module by its real path. */
export const realFile = (file: string): string => realpathSync.native(file)
