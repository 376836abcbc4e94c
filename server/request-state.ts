import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Awaitable, Session, SessionLoader } from '../session/index.ts'
import type { AddedFunctions } from './added-functions.ts'
import { Output } from './api/output.ts'
import type { Request } from './api/request.ts'
import type { ServerReturn } from './api/server-return.ts'
import type { Content } from './choose-content.ts'
import type { Incoming } from './incoming.ts'
import type { BodyReader } from './input/body-reader.ts'
import type { BodyInput, Input } from './input/input.ts'
import type { Location } from './locate.ts'
import type { Outgoing } from './outgoing.ts'
import type { Pass } from './pass.ts'
import type { PhaseName } from './phase.ts'
import type { Plan } from './plan.ts'
import type { Site } from './site.ts'

/** A session that this request opened, or is opening. */
export interface OpenedSession {
  readonly serviceId: string
  readonly loader: SessionLoader
  readonly forcedId: string | undefined
  /** True where its id may stand in URLs. */
  readonly usesUrl: boolean
  session: Awaitable<Session>
}

/** What one request carries, filled from top to bottom as it goes through `line.ts`; `pass.ts` says which of it belongs to a pass. */
export class RequestState {
  readonly site: Site
  readonly incoming: Incoming
  readonly raw: IncomingMessage
  readonly response: Outgoing
  /** Ms since the epoch. */
  readonly startedAt: number
  /** As seen through TrustProxy; taken at once, since a connection that is gone has none. */
  readonly clientAddress: string
  /** The URL to be served: the client's, Trans's, or that of an internal redirect. */
  url: string
  /** GET where an error document answers in place of what was asked for. */
  method: string
  /** server.ini's until the directory is known. */
  plan: Plan
  /** The plan of the directory first asked for: its Log and Cleanup phases run, whatever answered in the end. */
  firstPlan: Plan | undefined
  /** What was asked for, where another URL is answering in its place: Log and Cleanup are about this one. */
  first: Pass | undefined
  location: Location | undefined
  content: Content | undefined
  /** mod_python's request object, made when a function first needs it: a static file never does. */
  request: Request | undefined
  /** The variables of `req.subprocessEnv`, made when a function first asks for them; functions add theirs. */
  environ: Record<string, string> | undefined
  /** What the pass before left for this one: REDIRECT_STATUS and its kin. */
  redirected: ReadonlyMap<string, string> | undefined
  /** The pass in whose place this one answers. */
  previous: Pass | undefined
  phase: PhaseName | undefined
  user: string | undefined
  authType: string | undefined
  input: Input | undefined
  /** What was read of the body before a handler began: once, for all passes. */
  bodyInput: BodyInput | undefined
  /** The body, where its handler reads it. */
  body: BodyReader | undefined
  sessions: OpenedSession[] = []
  /** The services whose Fixup has run. */
  fixedUp: string[] | undefined
  readonly output = new Output()
  cleanups: (() => unknown)[] | undefined
  /** What `req.addHandler` added and has not run yet. */
  added: AddedFunctions | undefined
  /** How many functions it has added in all, cleanups too. */
  addedCount = 0
  /** Why the body was not read to its end: an app that made an answer of that failure is overruled. */
  refusedBody: ServerReturn | undefined
  /** The status of the error whose document is being made; undefined otherwise. */
  errorStatus: number | undefined
  /** The file and name of the function that is running, for a failure that does not say where it comes from. */
  running: string | undefined
  /** The directory where the function that is running, or ran last, was named. */
  base = ''
  /** True once the response is over, in whichever way. */
  closed = false
  /** True once the handlers have settled and the answer has been made. */
  settled = false
  /** True once Log and Cleanup are through: nobody would finish what begins now. */
  isOver = false
  /** True once nobody waits any more for what runs: it was answered in its place. */
  isAbandoned = false
  #logId: string | undefined
  #abort: AbortController | undefined

  constructor(site: Site, incoming: Incoming, response: Outgoing) {
    this.site = site
    this.incoming = incoming
    this.raw = incoming.raw
    this.response = response
    this.startedAt = site.now()
    this.clientAddress = incoming.ip
    this.url = incoming.originalUrl
    this.method = incoming.method
    this.plan = site.plan
  }

  /** What the logs call this request (mod_unique_id's UNIQUE_ID): 22 characters, made when something is first logged or asked about it. */
  get logId(): string {
    // node makes random UUIDs by the hundred: a few bytes each time would cost three times as much
    this.#logId ??= Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
    return this.#logId
  }

  /** Undefined where nobody has made it: the error log has no line of this request. */
  get knownLogId(): string | undefined {
    return this.#logId
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.isAborted || this.isAbandoned) this.#abort.abort()
    return this.#abort.signal
  }

  /** The response is over; if its client went away, the signal aborts. */
  close(): void {
    this.closed = true
    if (this.#abort !== undefined && this.isAborted) this.#abort.abort()
  }

  /** Nobody waits any more for what is running: the signal aborts. */
  abandon(): void {
    this.isAbandoned = true
    this.#abort?.abort()
  }

  /** The client went away before it had the whole answer. */
  get isAborted(): boolean {
    return this.closed && !this.response.writableFinished
  }
}
