import type { RequestState } from '../request-state.ts'
import type { AccessFacts } from './access-line.ts'
import { urlForLogs } from './url-for-logs.ts'

/** What the access line tells of a request that is over. If the client went away before its answer, it has the intended status. */
export class RequestFacts implements AccessFacts {
  readonly #state: RequestState

  constructor(state: RequestState) {
    this.#state = state
  }

  get host(): string {
    return this.#state.clientAddress
  }

  get user(): string | undefined {
    return this.#state.user
  }

  get time(): number {
    return this.#state.startedAt
  }

  get durationMs(): number {
    return this.#state.site.now() - this.#state.startedAt
  }

  get method(): string {
    return this.#state.raw.method ?? '-'
  }

  get target(): string {
    return urlForLogs(this.#state)
  }

  get protocol(): string {
    return `HTTP/${this.#state.raw.httpVersion}`
  }

  get status(): number {
    return this.#state.output.status
  }

  get bytes(): number {
    return this.#state.output.sentBytes
  }

  get bytesWithHead(): number {
    return this.#state.output.sentBytes + headLength(this.#state)
  }

  headerIn(name: string): string | undefined {
    const value = this.#state.raw.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  headerOut(name: string): string | undefined {
    const { prepared, headers } = this.#state.output
    const at = prepared.findIndex((field, index) => index % 2 === 0 && field.toLowerCase() === name)
    return headers.get(name) ?? prepared[at + 1]
  }

  get serverName(): string {
    return this.#state.site.config.directives.ServerName
  }

  get port(): number {
    return this.#state.raw.socket?.localPort ?? 0
  }

  get logId(): string | undefined {
    return this.#state.knownLogId
  }

  get file(): string | undefined {
    return this.#state.location?.file ?? this.#state.location?.directory
  }
}

/** Node keeps the head that it sent as one text. */
const headLength = ({ response }: RequestState): number =>
  (response as unknown as { _header?: string | null })._header?.length ?? 0
