import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type LibraryOptions, libraryConfig } from './library-config.ts'
import { type OpenSite, openSite } from './open-site.ts'
import { requestContext } from './request-context.ts'
import { RequestState } from './request-state.ts'
import { serveRequest } from './serve-request.ts'

export interface PluginOptions extends LibraryOptions {
  /** Where the app mounts the site: `/legacy`. Default: at `/`. */
  readonly prefix?: string
}

/**
 * Serves a site below a prefix of somebody else's app: two routes, and a parser that leaves bodies alone, in a context of their own. The
 * app's hooks before a handler run for them as for its other routes, and the headers that those set are sent. pso writes the answers itself,
 * so the app's onSend hooks and error handler see nothing of them. Addresses, proxies and time limits are the app's.
 */
export async function mountSite(app: FastifyInstance, options: PluginOptions): Promise<void> {
  const prefix = app.prefix.replace(/\/+$/, '')
  if (!isPlain.test(prefix))
    throw new Error(`expected a prefix of plain names without parameters, such as /legacy, got ${prefix}`)
  const config = libraryConfig(options)
  const opened = await openSite({ config, prefix, development: options.development ?? false })
  app.addHook('onClose', () => opened.close())
  if (config.directives.TrustProxy.length > 0)
    opened.logs.error.write('warn', 'TrustProxy has no effect in an app: write Fastify({ trustProxy: … })')

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) =>
    payload === request.raw
      ? done(null)
      : done(new Error(`a preParsing hook of the app has replaced the body, which pso reads itself: ${request.url}`)),
  )
  // a route that the app already has at this URL stays the app's
  for (const url of prefix === '' ? ['/*'] : ['/*', '']) {
    const method = app.supportedMethods.filter(one => !app.hasRoute({ method: one as 'GET', url: prefix + url }))
    if (method.length === 0 && url === '/*')
      throw new Error(`${prefix}/* is a route of the app: nothing is left for pso`)
    if (method.length === 0) continue
    app.route({
      method,
      url,
      exposeHeadRoute: false,
      bodyLimit: Number.MAX_SAFE_INTEGER,
      handler: (request, reply) => serve(opened, prefix, request, reply),
    })
  }
}

/** A prefix goes into cookies and Location as it is: it has nothing that would have to be encoded there, or would name another host. */
const isPlain = /^(?:\/[\w.~!$&'+=@-]+)*$/

function serve({ site }: OpenSite, prefix: string, request: FastifyRequest, reply: FastifyReply): void {
  const url = belowPrefix(request.url, prefix)
  if (!url.startsWith('/')) {
    // the root is a directory that was asked for without its slash
    void reply.redirect(`${prefix}/${url}`, 301)
    return
  }
  reply.hijack()
  const state = new RequestState(site, request, reply.raw)
  state.url = url
  takeHeaders(state, reply)
  requestContext.run(state, serveRequest, state)
}

/**
 * The URL as the site sees it: what follows the prefix. The app's router has already matched that, with its own rules for letter case, repeated
 * slashes, escapes and the absolute form: where the text differs, only the number of names counts.
 */
export function belowPrefix(url: string, prefix: string): string {
  if (url.startsWith(prefix) && /^(?:[/?]|$)/.test(url.slice(prefix.length, prefix.length + 1)))
    return url.slice(prefix.length)
  let rest = url.replace(/^https?:\/\/[^/?#]*/i, '')
  for (let names = prefix.split('/').length - 1; names > 0; names--) rest = rest.replace(/^\/+[^/?#]*/, '')
  return rest
}

/** The headers that the app's hooks set for every answer (CORS, security), without those about a body, which they cannot know. */
function takeHeaders({ output }: RequestState, reply: FastifyReply): void {
  for (const [name, values] of Object.entries(reply.getHeaders()))
    if (values !== undefined && !name.startsWith('content-'))
      for (const value of [values].flat()) output.headers.add(name, value)
}
