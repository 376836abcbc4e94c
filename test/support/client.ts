import { Agent, request } from 'node:http'

/** Longer than any answer of a server may take. */
const PATIENCE_MS = 20_000

/** What came back. */
export interface Answer {
  /** 0: the connection broke before the answer had fully arrived, or nothing came for 20 s; the body says how. */
  readonly status: number
  readonly body: string
  /** `name=value` of the first Set-Cookie, as the Cookie header sends it back. */
  readonly cookie: string | undefined
  /** From the sending to the last byte. */
  readonly ms: number
}

/** Keeps connections, at most `sockets` to one server; each answer is read to its end. */
export class Client {
  readonly #agent: Agent

  constructor(sockets: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets })
  }

  get(url: string, cookie?: string): Promise<Answer> {
    const began = performance.now()
    return new Promise(resolve => {
      const end = (status: number, body: string, cookie?: string): void =>
        resolve({ status, body, cookie, ms: performance.now() - began })
      const headers = cookie === undefined ? {} : { cookie }
      const signal = AbortSignal.timeout(PATIENCE_MS)
      request(url, { agent: this.#agent, headers, signal }, response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', chunk => (body += chunk))
        response.on('end', () => end(response.statusCode!, body, response.headers['set-cookie']?.[0]?.split(';')[0]))
        response.on('error', error => end(0, error.message))
      })
        .on('error', error => end(0, error.message))
        .end()
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
