import { type Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly body: string
  /** The first Set-Cookie. */
  readonly cookie: string | undefined
}

/** Asks for a page; resolves when the answer has fully arrived, rejects when the connection is lost before. */
export function get(url: string, agent: Agent, cookie?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { agent, headers: cookie === undefined ? {} : { cookie } }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', chunk => (body += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode!, body, cookie: response.headers['set-cookie']?.[0] }),
      )
      response.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}
