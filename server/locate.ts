import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { isHiddenName } from './hidden-names.ts'
export interface Location { readonly path: string; readonly query: string | undefined; readonly kind: 'file' | 'directory' | 'missing'; readonly directory: string; readonly directoryUrl: string; readonly file: string | undefined; readonly stats: Stats | undefined; readonly name: string | undefined; readonly pathInfo: string; readonly hasSlash: boolean; readonly outside: undefined | { readonly sameOwner: boolean }; readonly source: boolean }
export class Refusal extends Error { readonly status: 400 | 403 | 404; constructor(status: 400 | 403 | 404, message: string) { super(message); this.status = status } }
export interface Locator { locate(rawUrl: string): Location; forget(path: string): void; forgetAll(): void }
export function createLocator({ root, accessFileNames }: { root: string; accessFileNames: readonly string[]; now: () => number; recheckMs: number }): Locator {
  return {
    forget() {}, forgetAll() {},
    locate(rawUrl) {
      const [, rawPath, query] = /^(?:https?:\/\/[^/?]*)?([^?]*)(?:\?([^]*))?$/.exec(rawUrl)!
      if (/%2f|%5c|\\/i.test(rawPath!) || /%00/.test(rawPath!)) throw new Refusal(404, 'encoded slash')
      let decoded
      try { decoded = decodeURIComponent(rawPath!) } catch { throw new Refusal(400, 'bad escape') }
      const parts: string[] = []
      for (const p of decoded.split('/')) { if (p === '' || p === '.') continue; if (p === '..') { if (parts.pop() === undefined) throw new Refusal(400, 'above') } else parts.push(p) }
      const slash = decoded.endsWith('/')
      const path = `/${parts.join('/')}${slash && parts.length ? '/' : ''}`
      let directory = root; let url = '/'; let i = 0; let file: string | undefined; let stats: Stats | undefined
      for (; i < parts.length; i++) {
        const name = parts[i]!
        const hidden = isHiddenName(name, accessFileNames)
        const next = `${directory}/${name}`
        if (hidden && !/\.(ts|mts|cts|tsx)$/.test(name)) break
        stats = statSync(next, { throwIfNoEntry: false })
        if (!stats) break
        if (stats.isDirectory()) { directory = next; url += `${name}/`; continue }
        file = next; i++; break
      }
      if (file && slash && i === parts.length) { /* */ }
      const rest = parts.slice(i)
      const real = realpathSync(file ?? directory)
      const outside = real === root || real.startsWith(`${root}/`) ? undefined : { sameOwner: lstatSync(file ?? directory).uid === statSync(file ?? directory).uid }
      const pathInfo = rest.length ? `/${rest.join('/')}${slash ? '/' : ''}` : ''
      return { path, query, kind: file ? 'file' : rest.length ? 'missing' : 'directory', directory, directoryUrl: url, file, stats: file ? stats : undefined, name: file ? file.split('/').pop()! : rest[0], pathInfo, hasSlash: slash || path === '/', outside, source: file !== undefined && /\.(ts|mts|cts|tsx)$/.test(file) }
    },
  }
}
