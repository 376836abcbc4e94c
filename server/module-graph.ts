import { registerHooks } from 'node:module'
import { realpathSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

interface Node { version: number; readonly deps: Set<string>; readonly importers: Set<string> }
const graph = new Map<string, Node>()
let counter = 0
const own = new URL('.', import.meta.url).href
const psoUrl = new URL('./pso.ts', import.meta.url).href
const nodeOf = (url: string): Node => {
  let node = graph.get(url)
  if (node === undefined) graph.set(url, (node = { version: 0, deps: new Set(), importers: new Set() }))
  return node
}
const bare = (url: string): string => url.replace(/\?.*$/, '')
const isUser = (url: string): boolean => url.startsWith('file:') && !url.includes('/node_modules/') && !url.startsWith(own)
let installed = false
export function installModuleHooks(): void {
  if (installed) return
  installed = true
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'pso') return { url: psoUrl, shortCircuit: true, format: 'module-typescript' }
      const parent = context.parentURL === undefined ? undefined : bare(context.parentURL)
      if (parent === undefined || (!isUser(parent) && !entries.has(specifier))) {
        const r = next(specifier, context)
        return entries.has(specifier) ? { ...r, format: formatOf(r.url) ?? r.format } : r
      }
      if (entries.has(specifier)) { const r = next(specifier, context); return { ...r, format: formatOf(r.url) ?? r.format } }
      let resolved
      try { resolved = next(specifier, context) } catch (error) {
        if (/^\.{0,2}\//.test(specifier)) link(parent, new URL(specifier, parent).href)
        throw error
      }
      const url = bare(resolved.url)
      if (!isUser(url)) return resolved
      link(parent, url)
      const { version } = nodeOf(url)
      const format = formatOf(url) ?? resolved.format
      return { ...resolved, format, url: version > 0 ? `${url}?v=${version}` : url }
    },
  })
}
const entries = new Set<string>()
function formatOf(url: string): string | undefined {
  if (/\.m?ts(\?|$)/.test(url)) return 'module-typescript'
  return undefined
}
function link(parent: string, child: string): void { nodeOf(parent).deps.add(child); nodeOf(child).importers.add(parent) }
export function closureOf(file: string): string[] {
  const seen = new Set<string>()
  const visit = (url: string): void => { if (seen.has(url)) return; seen.add(url); for (const d of nodeOf(url).deps) visit(d) }
  visit(pathToFileURL(file).href)
  return [...seen].map(u => fileURLToPath(u))
}
export function versionOf(file: string): number { return nodeOf(pathToFileURL(file).href).version }
export function invalidate(file: string): void {
  const v = ++counter
  const seen = new Set<string>()
  const visit = (url: string): void => { if (seen.has(url)) return; seen.add(url); nodeOf(url).version = v; for (const i of nodeOf(url).importers) visit(i) }
  visit(pathToFileURL(file).href)
  for (const url of seen) { for (const d of nodeOf(url).deps) nodeOf(d).importers.delete(url); nodeOf(url).deps.clear() }
}
export async function importFile(file: string): Promise<any> {
  const url = `${pathToFileURL(realpathSync(file)).href}${versionOf(file) > 0 ? `?v=${versionOf(file)}` : ''}`
  entries.add(url)
  return import(url)
}
export const known = (file: string): boolean => { const n = graph.get(pathToFileURL(file).href); return n !== undefined }
