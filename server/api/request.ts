import { addFunction, countAdded } from '../added-functions.ts'
import { conditionalStatus } from '../files/conditional.ts'
import { mediaTypeOf } from '../files/media-type.ts'
import { openSlice } from '../files/open-slice.ts'
import { bodyOf } from '../input/body-reader.ts'
import type { LogLevel } from '../logs/error-log.ts'
import { validateHeaderValue } from '../node-http.ts'
import type { Pass } from '../pass.ts'
import type { PhaseName } from '../phase.ts'
import type { RequestState } from '../request-state.ts'
import { flush } from '../send-response.ts'
import { absoluteUrl } from './absolute-url.ts'
import { environOf, pathInfoOf } from './environ.ts'
import { fetchRequest } from './fetch-request.ts'
import { HeaderTable } from './header-table.ts'
import { InternalRedirect } from './internal-redirect.ts'
import { ServiceRequest } from './service-request.ts'
import { OK } from './status.ts'

/** Equal to no tag that a client can send. */
const NO_ETAG = '\0'

/** The request object of a pass, the same one in all its phases. */
export function requestOf(state: RequestState, pass: Pass = state): Request {
  pass.request ??= new Request(state, pass)
  return pass.request
}

/** From now on `request` tells of `pass`. */
export let describe: (request: Request, pass: Pass) => void

/** What every phase function gets: mod_python's request, in camelCase (DESIGN 6). */
export class Request {
  readonly #state: RequestState
  /** The request itself, or what an earlier pass of it was. */
  #pass: Pass
  #service: ServiceRequest | undefined
  #headersIn: HeaderTable | undefined
  #fetch: globalThis.Request | undefined
  #notes: Record<string, any> | undefined

  static {
    describe = (request, pass) => {
      request.#pass = pass
    }
  }

  constructor(state: RequestState, pass: Pass) {
    this.#state = state
    this.#pass = pass
  }

  /** Notes that one phase leaves for another; each pass has its own. */
  get notes(): Record<string, any> {
    this.#notes ??= Object.create(null) as Record<string, any>
    return this.#notes
  }

  /**
   * The request in whose place this one answers, by an internal redirect or as the document of an error: its URL, file, variables and
   * notes as they were; undefined where this is what the client asked for. The answer, the session and the cleanups are shared.
   */
  get prev(): Request | undefined {
    const { previous } = this.#pass
    return previous === undefined ? undefined : requestOf(this.#state, previous)
  }

  /** PSO's service request: input, cookies, session and the rest. The same object each time. */
  pso(): ServiceRequest {
    this.#service ??= new ServiceRequest(this.#state, this)
    return this.#service
  }

  /** Lets go of the service object (`pso::cleanup`); a later `pso()` would make another. */
  forgetService(): void {
    this.#service = undefined
  }

  /** True when a handler's functions answer, not a file, a listing or a redirect. */
  get hasHandler(): boolean {
    return this.#pass.content?.kind === 'handler'
  }

  /** The path, decoded and normalised, without the query. */
  get uri(): string {
    return this.#pass.location?.path ?? this.#pass.url
  }

  /** The request target as the client sent it, but seen from where the site is mounted. Assigning in Trans changes what is served. */
  get unparsedUri(): string {
    return this.#pass.url
  }

  set unparsedUri(url: string) {
    if (this.#state.location !== undefined)
      throw new TypeError('unparsedUri can only be changed before the path is mapped, in Trans')
    this.#state.url = url
  }

  get method(): string {
    return this.#pass.method
  }

  /** The query as sent, without its `?`; undefined without one. */
  get args(): string | undefined {
    return this.#pass.location?.query
  }

  /** What follows the URL of the directory where the handler was named, or of the existing file; '' for that itself. */
  get pathInfo(): string {
    return pathInfoOf(this.#pass)
  }

  /** The file or directory on disk; undefined before the path is mapped. */
  get filename(): string | undefined {
    return this.#pass.location?.file ?? this.#pass.location?.directory
  }

  /** The host that the client named, without a port; ServerName where it named none. */
  get hostname(): string {
    return this.#state.incoming.hostname || this.#state.site.config.directives.ServerName
  }

  /** `HTTP/1.1`. */
  get protocol(): string {
    return `HTTP/${this.#state.raw.httpVersion}`
  }

  /** The client's address, as seen through TrustProxy. */
  get remoteIp(): string {
    return this.#state.clientAddress
  }

  /** Set by Authen. */
  get user(): string | undefined {
    return this.#state.user
  }

  set user(user: string | undefined) {
    this.#state.user = user
  }

  get authType(): string | undefined {
    return this.#state.authType
  }

  set authType(type: string | undefined) {
    this.#state.authType = type
  }

  get headersIn(): HeaderTable {
    if (this.#headersIn === undefined) {
      this.#headersIn = new HeaderTable()
      const { rawHeaders } = this.#state.raw
      for (let at = 0; at < rawHeaders.length; at += 2) this.#headersIn.add(rawHeaders[at]!, rawHeaders[at + 1]!)
    }
    return this.#headersIn
  }

  get headersOut(): HeaderTable {
    return this.#state.output.headers
  }

  /** Of the answer; text/html; charset=utf-8 where nothing else is said. */
  get contentType(): string | undefined {
    return this.#state.output.contentType
  }

  set contentType(type: string | undefined) {
    this.requireHead('the content type')
    if (type !== undefined) validateHeaderValue('Content-Type', type)
    this.#state.output.contentType = type
  }

  /** Throws an Error where it is too late to change `what`, a part of the head. */
  requireHead(what: string): void {
    if (this.#state.output.flushed)
      throw new Error(`${what} can no longer be changed: the head of the response has left`)
  }

  get status(): number {
    return this.#state.output.status
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 200 || status > 599)
      throw new TypeError(`expected an HTTP status from 200 to 599, got ${String(status)}`)
    this.requireHead('the status')
    this.#state.output.status = status
  }

  /** CGI's variables, what SetEnv gave, and what functions of this request add. */
  get subprocessEnv(): Record<string, string> {
    this.#pass.environ ??= environOf(this.#state, this.#pass)
    return this.#pass.environ
  }

  /** What `PSOOption = name value` lines say. */
  get options(): Readonly<Record<string, string>> {
    return Object.assign(Object.create(null), Object.fromEntries(this.#pass.plan.directives.PSOOption))
  }

  get phase(): PhaseName | undefined {
    return this.#state.phase
  }

  /** Aborts when the client goes away. */
  get signal(): AbortSignal {
    return this.#state.signal
  }

  documentRoot(): string {
    return this.#state.site.config.documentRoot
  }

  /** Appends to the answer; it is kept until a flush or the end, and thrown away if the handler fails. */
  write(chunk: string | Uint8Array): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array))
      throw new TypeError(`expected text or bytes to write, got ${chunk === null ? 'null' : typeof chunk}`)
    this.#requireOpen('req.write()')
    this.#state.output.write(chunk)
  }

  /** The answer has been made: what comes now would be lost, or stay open. */
  #requireOpen(what: string): void {
    if (this.#state.settled) throw new Error(`the request is over: ${what} comes too late to be sent`)
  }

  /** Sends what was written; resolves when the client can take more. From here on status, headers and cookies stand. */
  flush(): Promise<void> {
    const flushed = flush(this.#state)
    // if nobody awaits it, the end of the handler looks at it; after the end its failure is the author's, or the log's
    if (!this.#state.settled) flushed.catch(() => {})
    return flushed
  }

  /**
   * The next `size` bytes of the body, fewer only at its end; without a size all that is left, and nothing at the end. An error where the
   * body was a form or JSON, unless PSOInput is off; one that ends the request where the client goes away or sends too much.
   */
  async read(size?: number): Promise<Buffer> {
    return await bodyOf(this.#state).read(size)
  }

  /** The next line of the body as text, with its line end; '' at the end. */
  async readline(): Promise<string> {
    return await bodyOf(this.#state).readline()
  }

  /** The body piece by piece, as it comes: `for await (const chunk of req)`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    const body = bodyOf(this.#state)
    for (let chunk = await body.readSome(); chunk.length > 0; chunk = await body.readSome()) yield chunk
  }

  /**
   * Appends a part of a file to the answer, from `offset` on, at most `length` bytes (all the rest); it is read as it is sent. A relative
   * path is seen from the directory where the handler was named; any file that the server can read may be sent. An answer that is one
   * file alone, and says no content type, has that of the file's extension, or none. The value is the number of bytes.
   */
  sendfile(path: string, offset = 0, length?: number): number {
    const { output, plan, base } = this.#state
    this.#requireOpen('req.sendfile()')
    // before anything is open: where no descriptor is left the table of types does not load
    const type = mediaTypeOf(String(path), plan.directives)
    const slice = openSlice(base, path, offset, length)
    output.writeSlice({ ...slice, type })
    return slice.length
  }

  /** Ends the handler: `url`, a path with its query if it has one, is answered from HeaderParser on. What was written stays. */
  internalRedirect(url: string): never {
    throw new InternalRedirect(url)
  }

  /** OK, or the 304 or 412 to return: the client's conditions against the ETag and Last-Modified in `headersOut`. */
  meetsConditions(): number {
    const { headers } = this.#state.output
    const status = conditionalStatus(this.#state.raw.headers, {
      etag: headers.get('etag') ?? NO_ETAG,
      lastModified: headers.get('last-modified') ?? '',
    })
    if (status === 200) return OK
    return this.method === 'GET' || this.method === 'HEAD' ? status : 412
  }

  /**
   * Adds a function to the end of a phase of this request that is running or still to come, even if no directive names a function for it. For
   * a phase that is over it is ignored. `handler`: a function, or `module::function` as a directive writes it, seen from the directory where
   * the function that is running was named. For Content it also answers in place of a file; if it returns DECLINED, the file answers.
   */
  addHandler(phase: PhaseName, handler: ((request: Request) => unknown) | string): void {
    addFunction(this.#state, phase, handler)
  }

  /** The same request as a Fetch `Request`, the same one each time; its body is streamed, where nothing has read it yet. */
  get fetch(): globalThis.Request {
    this.#fetch ??= fetchRequest(this.#state, this.pso().getUrl().href)
    return this.#fetch
  }

  /** Sets the content type; the head itself leaves with the first flush or at the end. */
  sendHttpHeader(contentType?: string): void {
    if (contentType !== undefined) this.contentType = contentType
  }

  /** A line in the error log, at the level `error` unless another is said; of an Error its stack. */
  logError(message: unknown, level: LogLevel = 'error'): void {
    const text = message instanceof Error ? (message.stack ?? String(message)) : String(message)
    this.#state.site.errorLog.write(level, text, this.#state)
  }

  /** `run` is called when the request is over, those registered last first. */
  registerCleanup(run: () => unknown): void {
    if (typeof run !== 'function')
      throw new TypeError(`expected a function to register as a cleanup, got ${typeof run}`)
    countAdded(this.#state, 'cleanups are registered')
    ;(this.#state.cleanups ??= []).push(run)
  }

  /** The absolute URL of a path on this server, as the client sees it. */
  constructUrl(path: string): string {
    return absoluteUrl(this.#state, path)
  }
}
