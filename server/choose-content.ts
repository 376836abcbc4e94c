import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { statSync } from 'node:fs'
import type { HandlerRef } from '../directives/index.ts'
import type { DirectoryHandler } from './directory-handler.ts'
import type { Location } from './locate.ts'
import type { Plan } from './plan.ts'
export type Content =
  | { readonly kind: 'program'; readonly handlers: readonly HandlerRef[]; readonly scriptUrl: string; readonly pathInfo: string; readonly file: string | undefined }
  | { readonly kind: 'static'; readonly file: string; readonly stats: Stats }
  | { readonly kind: 'listing' }
  | { readonly kind: 'index'; readonly path: string }
  | { readonly kind: 'fallback'; readonly path: string }
  | { readonly kind: 'redirect'; readonly status: number; readonly to: string }
  | { readonly kind: 'refuse'; readonly status: 403 | 404 }
export function chooseContent(location: Location, plan: Plan, handler: DirectoryHandler | undefined, _method: string): Content {
  const d = plan.directives
  const prog = (): Content => {
    const up = location.directory.slice(handler!.directory.length).split('/').length - 1
    const scriptUrl = location.directoryUrl.split('/').slice(0, location.directoryUrl.split('/').length - 1 - up).join('/') + '/'
    const pathInfo = location.path.slice(scriptUrl.length - 1)
    return { kind: 'program', handlers: handler!.handlers, scriptUrl, pathInfo: pathInfo === '/' ? '' : pathInfo, file: undefined }
  }
  if (location.kind === 'file' && !location.source) return location.pathInfo ? { kind: 'refuse', status: 404 } : { kind: 'static', file: location.file!, stats: location.stats! }
  if (location.kind === 'directory') {
    if (!location.hasSlash) return { kind: 'redirect', status: 301, to: `${encodeURI(location.path)}/` }
    for (const i of d.DirectoryIndex) if (statSync(join(location.directory, i), { throwIfNoEntry: false })) return { kind: 'index', path: location.directoryUrl + i }
    if (handler?.own) return prog()
    if (d.Options.on.has('Indexes')) return { kind: 'listing' }
    return handler ? prog() : { kind: 'refuse', status: 403 }
  }
  return handler ? prog() : d.FallbackResource ? { kind: 'fallback', path: d.FallbackResource } : { kind: 'refuse', status: 404 }
}
