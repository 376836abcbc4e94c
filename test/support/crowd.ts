import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { does } from './handlers.ts'
import type { Tree } from './site.ts'

/**
 * The pages of one service, `/sessions/`, whose handlers await between reading and writing: `count/VISITOR/NUMBER` counts, and keeps each
 * visitor's last number; `append/NUMBER` puts it at the end of an array; `look/` shows the session as JSON and changes nothing; `hold/` keeps the
 * session for half a minute, from when there is a file `held` in its directory.
 */
export const countingPages = (lines: string): Tree => ({
  sessions: {
    '.psoaccess': `PSOServiceId = s\n${lines}\n`,
    count: page(`
const [visitor, number] = req.pathInfo.split('/').filter(Boolean)
const { visits = 0, last = {} } = session
await new Promise(setImmediate)
session.visits = visits + 1
session.last = { ...last, [visitor]: Number(number) }
req.write(JSON.stringify({ visits: session.visits, before: last[visitor] ?? 0, pid: process.pid }))`),
    append: page(`
const { list = [] } = session
await new Promise(setImmediate)
session.list = [...list, Number(req.pathInfo.replaceAll('/', ''))]
req.write(String(session.list.length))`),
    look: page('req.write(JSON.stringify(session))'),
    hold: page(`
session.held = process.pid
;(await import('node:fs')).writeFileSync(req.filename + '/held', '')
await new Promise(resolve => setTimeout(resolve, 30_000))`),
  },
})

const page = (body: string): Tree => ({
  '.psoaccess': '',
  'handler.ts': does(`const { session } = req.pso()\n${body}`),
})

export interface CrowdOptions {
  /** Of the servers, in turn. */
  readonly urls: readonly string[]
  /** How many ask at the same time; default 64. */
  readonly visitors?: number
  /** How many requests in all; default: until `stop`. */
  readonly most?: number
}

/**
 * Visitors that share one session and count in it, all at once, until they are stopped. Each looks at every answer whether what it was
 * told before is still true.
 */
export class Crowd {
  /** Answers by status; 0: the connection broke. */
  readonly statuses = new Map<number, number>()
  /** The numbers that fully arrived. */
  readonly numbers = new Set<number>()
  /** How often each process answered 200. */
  readonly pids = new Map<number, number>()
  /** What must not be: a number twice, a visit that was confirmed and is gone. */
  readonly wrong: string[] = []
  /** The longest that anybody waited for an answer, ms. */
  slowest = 0
  sent = 0
  readonly #client: Client
  readonly #options: CrowdOptions
  #cookie = ''
  #isStopped = false
  #done: Promise<unknown> = Promise.resolve()
  /** When the latest request that was answered 200 was sent, ms of the monotonic clock. */
  #lastGood = 0

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#client = new Client(options.visitors ?? 64)
  }

  /** Begins the session, and lets all come. */
  async start(): Promise<this> {
    const first = await this.#visit(0, 1, 0)
    if (first !== 1) throw new Error(`the first visit was answered ${JSON.stringify([...this.statuses])}`)
    this.#done = Promise.all(Array.from({ length: this.#options.visitors ?? 64 }, (_, at) => this.#visitor(at + 1)))
    return this
  }

  /** All have come that were to. */
  async done(): Promise<this> {
    await this.#done
    return this
  }

  async stop(): Promise<this> {
    this.#isStopped = true
    return this.done()
  }

  /** Resolves when a request that is sent from now on is answered 200. */
  async nextGood(): Promise<void> {
    const since = performance.now()
    while (this.#lastGood < since) await sleep(5)
  }

  /** What the session holds now; asked until it can be said, for ten seconds. */
  async look(): Promise<{ visits: number; last: Record<string, number> }> {
    for (const until = performance.now() + 10_000; ; ) {
      const { status, body } = await this.#client.get(`${this.#options.urls[0]}/sessions/look/`, this.#cookie)
      if (status === 200) return JSON.parse(body)
      if (performance.now() > until) throw new Error(`the session cannot be seen: ${status} ${body}`)
      await sleep(20)
    }
  }

  get cookie(): string {
    return this.#cookie
  }

  close(): void {
    this.#client.close()
  }

  async #visitor(name: number): Promise<void> {
    const { most = Number.POSITIVE_INFINITY } = this.#options
    let confirmed = 0
    for (let number = 1; !this.#isStopped && this.sent < most; number++) {
      if ((await this.#visit(name, number, confirmed)) === undefined) await sleep(20)
      else confirmed = number
    }
  }

  /** One visit; the number it was told, undefined where it failed. */
  async #visit(name: number, number: number, confirmed: number): Promise<number | undefined> {
    const { urls } = this.#options
    const url = `${urls[this.sent++ % urls.length]}/sessions/count/${name}/${number}`
    const sentAt = performance.now()
    const { status, body, cookie, ms } = await this.#client.get(url, this.#cookie)
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    this.slowest = Math.max(this.slowest, ms)
    if (status !== 200) return undefined
    if (this.#cookie === '') this.#cookie = cookie ?? ''
    else if (cookie !== undefined) this.wrong.push('the session was not known')
    const { visits, before, pid } = JSON.parse(body)
    if (this.numbers.has(visits)) this.wrong.push(`${visits} twice`)
    if (before < confirmed || before >= number)
      this.wrong.push(`visit ${confirmed} of ${name} was confirmed, ${before} is there`)
    this.numbers.add(visits)
    this.pids.set(pid, (this.pids.get(pid) ?? 0) + 1)
    this.#lastGood = Math.max(this.#lastGood, sentAt)
    return visits
  }
}
