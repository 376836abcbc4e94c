import { type Awaitable, cookieTooLong, type Session, type SessionImplementation } from '../../session/index.ts'
import { asciiUrl } from '../ascii-url.ts'
import { encodedPath } from '../encoded-path.ts'
import { inputOf } from '../input/input.ts'
import type { UploadedFile } from '../input/uploaded-file.ts'
import { openSessionFor, serviceIdOf } from '../open-session-for.ts'
import { outwardCookiePath, outwardPath } from '../outward-path.ts'
import type { OpenedSession, RequestState } from '../request-state.ts'
import { idsInUrls } from '../sessions-of.ts'
import type { CookieAttributes } from './cookies.ts'
import type { Request } from './request.ts'
import { ServerReturn } from './server-return.ts'
import { serviceUrl, type UrlParams } from './service-url.ts'

/** PSO's service request: the nine areas of the how-to, the same under a server and as a CGI program (DESIGN 6). */
export class ServiceRequest {
  readonly #state: RequestState
  readonly #request: Request

  constructor(state: RequestState, request: Request) {
    this.#state = state
    this.#request = request
  }

  /** Itself, so that `req.pso().pso()` is `req.pso()`. */
  pso(): this {
    return this
  }

  /** The session that the fixup phase opened. */
  get session(): Session {
    const { sessions, errorStatus } = this.#state
    // the document of an error may be another service's
    const opened = sessions.length > 1 && errorStatus !== undefined ? this.#ofThisService() : sessions[0]
    if (opened === undefined || opened.session instanceof Promise)
      throw new Error(
        'this request has no session: PSOFixupHandler does not call pso::fixup; await req.pso().getSession() opens one',
      )
    return opened.session
  }

  #ofThisService(): OpenedSession | undefined {
    const { sessions } = this.#state
    const serviceId = serviceIdOf(this.#state)
    return sessions.find(known => known.serviceId === serviceId) ?? sessions[0]
  }

  /**
   * Opens the session of an implementation class and service, once for a request: later calls give the same object.
   * `directives` stand in place of the directory's: `getSession(undefined, { PSOServiceId: 'Other' })` is a second session.
   */
  async getSession(
    implementation?: SessionImplementation,
    directives?: Readonly<Record<string, string>>,
  ): Promise<Session> {
    return await this.openSession(implementation, directives)
  }

  /** As getSession, at once where the loader answers at once. */
  openSession(
    implementation?: SessionImplementation,
    directives?: Readonly<Record<string, string>>,
  ): Awaitable<Session> {
    return openSessionFor(this.#state, this.#request, implementation, directives)
  }

  getServiceId(): string {
    return this.session.serviceId
  }

  /** The value of a form or query field, or the `index`-th of several; `fallback` (undefined) where there is none. */
  getInput(key: string): string | undefined
  getInput<Fallback>(key: string, fallback: Fallback, index?: number): string | Fallback
  getInput(key: string, fallback?: unknown, index = 0): unknown {
    return inputOf(this.#state).all(key)[index] ?? fallback
  }

  /** All values of a field; without a key, of all fields. */
  getInputs(key?: string): string[] {
    const input = inputOf(this.#state)
    return key === undefined ? input.pairs.map(([, value]) => value) : [...input.all(key)]
  }

  hasInput(key: string): boolean {
    return inputOf(this.#state).has(key)
  }

  /** Those of `keys` that were sent. */
  hasInputs(...keys: string[]): string[] {
    return keys.filter(key => this.hasInput(key))
  }

  /** All fields in order, as pairs of name and value. */
  getInputSeq(): [name: string, value: string][] {
    return inputOf(this.#state).pairs.map(([name, value]) => [name, value])
  }

  /** Name to all its values. The object has no prototype. */
  getInputDict(): Record<string, string[]> {
    const dict: Record<string, string[]> = Object.create(null)
    for (const [name, value] of inputOf(this.#state).pairs) (dict[name] ??= []).push(value)
    return dict
  }

  /** The first file of a form's field; `fallback` (undefined) where none was chosen. */
  getFile(key: string): UploadedFile | undefined
  getFile<Fallback>(key: string, fallback: Fallback): UploadedFile | Fallback
  getFile(key: string, fallback?: unknown): unknown {
    return inputOf(this.#state).files.find(file => file.key === key) ?? fallback
  }

  /** All files of a field; without a key, of all fields. */
  getFiles(key?: string): UploadedFile[] {
    return inputOf(this.#state).files.filter(file => key === undefined || file.key === key)
  }

  /** The value of a JSON body, whose members are input too; undefined where none was sent. */
  getJson(): unknown {
    return inputOf(this.#state).json
  }

  getCookie(key: string): string | undefined
  getCookie<Fallback>(key: string, fallback: Fallback): string | Fallback
  getCookie(key: string, fallback?: unknown): unknown {
    const cookies = this.getCookies()
    return Object.hasOwn(cookies, key) ? cookies[key] : fallback
  }

  /** The client's cookies: text by name, of several of one name the first. */
  getCookies(): Readonly<Record<string, string | undefined>> {
    return this.#state.site.cookies.parse(this.#state.raw.headers.cookie ?? '')
  }

  /**
   * Adds a cookie to the answer; `Path` is `/` unless given, or where the site is mounted. Survives redirects and errors. A RangeError over
   * 4,096 bytes.
   */
  setCookie(key: string, value: string, attributes: CookieAttributes = {}): void {
    this.#request.requireHead(`the cookie ${key}`)
    if (this.#state.sessions.some(({ serviceId }) => serviceId === key))
      throw new TypeError(
        `the cookie ${key} is the session's: session.expire() and PSOCookieSession_ directives change it`,
      )
    const { cookies, prefix } = this.#state.site
    const cookie = cookies.serialize(key, value, { path: outwardCookiePath(prefix, key, '/'), ...attributes })
    const tooLong = cookieTooLong(key, cookie)
    if (tooLong !== undefined) throw new RangeError(tooLong)
    this.#state.output.headers.add('Set-Cookie', cookie)
  }

  /** A variable of the request, a PSOOption or a directive of that name; without a key, the variables. */
  getEnviron(): Record<string, string>
  getEnviron(key: string): string | undefined
  getEnviron<Fallback>(key: string, fallback: Fallback): string | Fallback
  getEnviron(key?: string, fallback?: unknown): unknown {
    const environ = this.#request.subprocessEnv
    if (key === undefined) return environ
    return environ[key] ?? this.#request.options[key] ?? this.#directive(key) ?? fallback
  }

  #directive(key: string): string | undefined {
    for (const [name, origins] of this.#state.plan.merged.origins) if (name === key) return origins.at(-1)?.value
    return undefined
  }

  setEnviron(key: string, value: string): void {
    this.#request.subprocessEnv[key] = value
  }

  setHeaderOut(name: string, value: string | number): void {
    this.#state.output.headers.set(name, value)
  }

  addHeaderOut(name: string, value: string | number): void {
    this.#state.output.headers.add(name, value)
  }

  removeHeaderOut(name: string): void {
    this.#state.output.headers.delete(name)
  }

  /** Ends the request with 302, or 301 if `permanent`. What was written is discarded; session and cookies are kept. */
  redirect(url: string | URL, permanent = false): never {
    this.#request.requireHead('the Location')
    this.#state.output.discard()
    this.#state.output.headers.set('Location', asciiUrl(String(url)))
    throw new ServerReturn(permanent ? 301 : 302)
  }

  setStatus(status: number): void {
    this.#request.status = status
  }

  /** Ends the request with this status at once. */
  sendStatus(status: number): never {
    throw new ServerReturn(status)
  }

  write(chunk: string | Uint8Array): void {
    this.#request.write(chunk)
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.#request.write(line)
  }

  sendHttpHeader(contentType?: string): void {
    this.#request.sendHttpHeader(contentType)
  }

  /** The URL asked for, as an object of the caller's own to change. */
  getUrl(): URL {
    const query = this.#request.args
    return new URL(
      this.#request.constructUrl(encodedPath(this.#request.uri)) + (query === undefined ? '' : `?${query}`),
    )
  }

  /**
   * The absolute URL of this service, of a path below it (`cart`), or of a path of this server (`/shop/cart`), with `params` added to its
   * query. Carries the session's id where PSOSessionTransport says `url` and no cookie has brought it; if there is no session yet, one
   * begins. A TypeError for a URL of another server: no id goes there.
   */
  serviceUrl(path = '', params: UrlParams = {}): string {
    const { content } = this.#state
    const script = content?.kind === 'handler' ? content.scriptUrl : this.#request.uri
    const { prefix } = this.#state.site
    const seen = outwardPath(prefix, path)
    return serviceUrl(this.#request.constructUrl(encodedPath(script)), seen, params, idsInUrls(this.#state))
  }

  /** The absolute URL of the directory, with its slash. */
  baseUrl(): string {
    return this.#request.constructUrl(encodedPath(this.#request.uri.replace(/[^/]*$/, '')))
  }

  /** The absolute URL of a page in this directory. */
  pageUrl(page: string): string {
    return this.baseUrl() + asciiUrl(page)
  }

  /** One line: the arguments with blanks between; to PSOLog where that is set, else to the error log. */
  log(...values: unknown[]): void {
    this.#state.site.errorLog.writeTo(this.#state.plan.directives.PSOLog, values.map(String).join(' '), this.#state)
  }
}
