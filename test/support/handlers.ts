/** Handler sources that many tests drop into their trees. */

/** The visit counter of the how-to, as DESIGN 6 writes it. */
export const counter = `import { OK, type Request } from 'pso'

export function handler (req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  req.write(\`Hello World! ~ Your visit number: \${session.visits} ~ Try Reload!\`)
  return OK
}
`

/** Answers with a fixed text. */
export const says = (text: string): string =>
  `export const handler = (req: any) => { req.write(${JSON.stringify(text)}) }\n`

/** A handler whose body is given; `req` and everything of `pso` are in reach. */
export const does = (body: string): string =>
  `import * as p from 'pso'\nconst { OK, DECLINED, DONE, ServerReturn, pso } = p\nexport async function handler (req: any) {\n${body}\n}\n`

/** What form input there is, `a=1&a=2&b=3`, by each call. */
export const asksForInput = does(`
  const p = req.pso()
  return [
    p.getInput('a'), p.getInput('a', 'none', 1), p.getInputs('a'), p.getInput('z', 'none'), p.getInput('a', 'none', 2),
    p.hasInputs('a', 'z', 'b'),
  ]`)

/** The variables of a request that a handler asks for, as JSON. */
export const tellsEnviron = does(`
  const names = ['REQUEST_METHOD', 'PATH_INFO', 'SCRIPT_NAME', 'QUERY_STRING', 'REQUEST_URI', 'HTTP_HOST']
  return Object.fromEntries(names.map(name => [name, req.pso().getEnviron(name)]))`)

/** The number a counter page shows. */
export const visit = (body: string): number => Number(/visit number: (\d+)/.exec(body)?.[1])

/** A cookie jar of one visitor: what Set-Cookie gave, as the Cookie header sends it back. Ignores every attribute but deletion. */
export class Jar {
  readonly #cookies = new Map<string, string>()

  take(headers: { 'set-cookie'?: string | string[] | undefined }): this {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      if (/max-age=0\b/i.test(line) || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name!)
      else this.#cookies.set(name!, value!)
    }
    return this
  }

  get headers(): { cookie?: string } {
    return this.#cookies.size === 0 ? {} : { cookie: [...this.#cookies].map(pair => pair.join('=')).join('; ') }
  }

  get names(): string[] {
    return [...this.#cookies.keys()]
  }

  value(name: string): string | undefined {
    return this.#cookies.get(name)
  }
}
