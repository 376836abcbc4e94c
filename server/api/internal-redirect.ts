import { asciiUrl } from '../ascii-url.ts'

/** Thrown by `req.internalRedirect`: another URL of this server is to answer in place of what was asked for. */
export class InternalRedirect extends Error {
  readonly url: string

  constructor(path: string) {
    const url = asciiUrl(path)
    super(`an internal redirect to ${url}`)
    if (!url.startsWith('/')) throw new TypeError(`expected a URL path of this server, such as /shop/, got ${url}`)
    this.name = 'InternalRedirect'
    this.url = url
  }
}
