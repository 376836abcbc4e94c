import { extname } from 'node:path'
import type { Directives, HandlerRef } from '../directives/index.ts'
import { asciiUrl } from './ascii-url.ts'
import type { DirectoryHandler } from './directory-handler.ts'
import { encodedPath } from './encoded-path.ts'
import { handlerNameOf } from './files/handler-name.ts'
import type { IsFile } from './files/known-files.ts'
import type { Location } from './locate.ts'
import { isNamedModule } from './modules/named-modules.ts'

/** What answers a request. */
export type Content =
  /** Functions of handler modules. */
  | {
      readonly kind: 'handler'
      readonly handlers: readonly HandlerRef[]
      /** The URL of the directory where the handler was named, with its slash, or of the existing file. */
      readonly scriptUrl: string
      /** What follows it, beginning with `/`; '' for that itself. */
      readonly pathInfo: string
    }
  /** A CGI program: the file itself is run. */
  | {
      readonly kind: 'cgi'
      /** The URL of the file. */
      readonly scriptUrl: string
      readonly pathInfo: string
    }
  | { readonly kind: 'static' }
  | { readonly kind: 'listing' }
  /** Another URL path, looked at in place of this one. */
  | { readonly kind: 'index' | 'fallback'; readonly path: string }
  | { readonly kind: 'redirect'; readonly status: number; readonly to: string }
  /** `status`: 403, 404, or what a Redirect without a target says. `reason`: for the log, where the status does not say it all. */
  | { readonly kind: 'refuse'; readonly status: number; readonly reason?: string }

/** Chooses what answers, by DESIGN 4 in its order; `handler` is the directory's own or inherited one. `isFile` is asked for an index only. */
export function chooseContent(
  location: Location,
  { directives }: { readonly directives: Directives },
  handler: DirectoryHandler | undefined,
  isFile: IsFile,
): Content {
  const redirect = redirected(location, directives)
  if (redirect !== undefined) return redirect
  if (location.root.isScriptAlias) return ofScriptAlias(location, directives)
  const usable = suitable(location, handler)
  if (location.kind === 'file') return ofFile(location, directives, usable)
  if (location.kind === 'directory') return ofDirectory(location, directives, usable, isFile)
  return usable === undefined ? missing(location, directives) : handledBy(location, usable)
}

/** True where Options lets symbolic links leave the document root, whoever owns what they lead to. */
export const allowsOutside = ({ Options: { on } }: Directives): boolean =>
  on.has('FollowSymLinks') || on.has('SymLinksIfOwnerMatch')

/** Why a location may not be seen, whatever it is, where a symbolic link leads out of the document root; undefined where it may. */
export function outsideRefusal({ outside }: Location, { Options: { on } }: Directives): string | undefined {
  if (outside === undefined || on.has('FollowSymLinks') || (outside.sameOwner && on.has('SymLinksIfOwnerMatch')))
    return undefined
  return 'a symbolic link leaves the document root, and Options has no FollowSymLinks'
}

/** The first Redirect whose path is the URL's or a whole part of its beginning; the rest and the query go along (mod_alias). */
function redirected(location: Location, { Redirect }: Directives): Content | undefined {
  const { path } = location
  for (const { status, from, to } of Redirect) {
    const rest = path.slice(from.length)
    if (!path.startsWith(from) || !(rest === '' || rest.startsWith('/') || from.endsWith('/'))) continue
    if (to === undefined) return { kind: 'refuse', status }
    return { kind: 'redirect', status, to: withQuery(target(to, encodedPath(rest)), location) }
  }
  return undefined
}

/** The rest of the path behind a Redirect's target. A path stays on this server: `/` must not become `//host`. */
const target = (to: string, rest: string): string => asciiUrl(to === '/' && rest.startsWith('/') ? rest : to + rest)

/** A handler with those of its functions that are for one extension. */
type Suitable = DirectoryHandler & { readonly isForExtension?: boolean }

/** The handler with those of its functions that are for this file's extension: a list for it goes in place of the unrestricted ones. */
function suitable({ name }: Location, handler: DirectoryHandler | undefined): Suitable | undefined {
  if (handler === undefined || !handler.handlers.some(isRestricted)) return handler
  const extension = extname(name ?? '').toLowerCase()
  const special = handler.handlers.filter(({ extensions }) => extensions?.includes(extension))
  if (special.length > 0) return { ...handler, handlers: special, isForExtension: true }
  const handlers = handler.handlers.filter(ref => !isRestricted(ref))
  return handlers.length === 0 ? undefined : { ...handler, handlers }
}

const isRestricted = ({ extensions }: HandlerRef): boolean => extensions !== undefined

function ofFile(location: Location, directives: Directives, handler: Suitable | undefined): Content {
  const wanted = handlerNameOf(location.name!, directives)
  if (wanted === 'cgi-script') return directives.Options.on.has('ExecCGI') ? programAt(location, directives) : noExecCgi
  const isHandled = wanted === 'pso-program' || (handler?.isForExtension === true && wanted !== 'default-handler')
  if (isHandled && handler !== undefined) {
    const script = scriptAt(location, directives)
    return script === undefined ? notFound : { kind: 'handler', handlers: handler.handlers, ...script }
  }
  // for the web, server code does not exist: it is answered as a missing file
  if ((location.source && wanted !== 'default-handler') || isNamedModule(directives, location.file!))
    return handler === undefined ? missing(location, directives) : handledBy(location, handler)
  if (location.pathInfo !== '' && directives.AcceptPathInfo !== 'on') return notFound
  return { kind: 'static' }
}

const notFound: Content = { kind: 'refuse', status: 404 }
const noExecCgi: Content = { kind: 'refuse', status: 403, reason: 'Options has no ExecCGI, which cgi-script needs' }

/** Every file in there is a program, whatever Options and AddHandler say; a directory is not (mod_alias, mod_cgid). */
function ofScriptAlias(location: Location, directives: Directives): Content {
  if (location.kind === 'file') return programAt(location, directives)
  return { kind: 'refuse', status: location.kind === 'directory' ? 403 : 404 }
}

function programAt(location: Location, directives: Directives): Content {
  const script = scriptAt(location, directives)
  return script === undefined ? notFound : { kind: 'cgi', ...script }
}

/** The URL of an existing file that is run, and what follows it; undefined where nothing may follow. */
const scriptAt = (
  { path, pathInfo }: Location,
  { AcceptPathInfo }: Directives,
): { readonly scriptUrl: string; readonly pathInfo: string } | undefined =>
  pathInfo !== '' && AcceptPathInfo === 'off'
    ? undefined
    : { scriptUrl: path.slice(0, path.length - pathInfo.length), pathInfo }

function ofDirectory(
  location: Location,
  directives: Directives,
  handler: DirectoryHandler | undefined,
  isFile: IsFile,
): Content {
  if (!location.hasSlash && directives.DirectorySlash) {
    return { kind: 'redirect', status: 301, to: withQuery(`${encodedPath(location.path)}/`, location) }
  }
  for (const name of directives.DirectoryIndex) {
    if (name.startsWith('/')) return { kind: 'index', path: withQuery(asciiUrl(name), location) }
    if (isFile(location.directory, name))
      return { kind: 'index', path: withQuery(encodedPath(location.directoryUrl + name), location) }
  }
  if (handler?.own) return handledBy(location, handler)
  if (directives.Options.on.has('Indexes')) return { kind: 'listing' }
  return handler === undefined ? { kind: 'refuse', status: 403 } : handledBy(location, handler)
}

function missing(location: Location, { FallbackResource }: Directives): Content {
  if (FallbackResource === undefined || FallbackResource === 'disabled' || location.path === FallbackResource)
    return notFound
  return { kind: 'fallback', path: withQuery(asciiUrl(FallbackResource), location) }
}

/** The query goes along, unless the path brings its own. */
const withQuery = (path: string, { query }: Location): string =>
  query === undefined || path.includes('?') ? path : `${path}?${query}`

/** The path behind the URL of the directory where the handler was named. */
function handledBy(location: Location, { handlers, directory }: DirectoryHandler): Content {
  const isOwn = location.directory.length === directory.length
  const levels = isOwn ? 0 : location.directory.slice(directory.length).split('/').length - 1
  let scriptUrl = location.directoryUrl
  for (let level = 0; level < levels; level++)
    scriptUrl = scriptUrl.slice(0, scriptUrl.lastIndexOf('/', scriptUrl.length - 2) + 1)
  const pathInfo = location.path.slice(scriptUrl.length - 1)
  return { kind: 'handler', handlers, scriptUrl, pathInfo: pathInfo === '/' ? '' : pathInfo }
}
