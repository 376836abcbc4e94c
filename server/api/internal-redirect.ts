import { asciiUrl } from '../ascii-url.ts'

/**
 * Thrown by `req.internalRedirect`, and for a CGI program's `Location: /path`: another URL of this server is to answer in place of what was
 * asked for. `asGet`: as a GET without a body, whatever the method was.
 */
export class InternalRedirect extends Error {
  readonly url: string
  readonly asGet: boolean

  constructor(path: string, { asGet = false }: { asGet?: boolean } = {}) {
    const url = asciiUrl(path)
    super(`an internal redirect to ${url}`)
    if (!url.startsWith('/')) throw new TypeError(`expected a URL path of this server, such as /shop/, got ${url}`)
    this.name = 'InternalRedirect'
    this.url = url
    this.asGet = asGet
  }
}
