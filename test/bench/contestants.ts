import { join } from 'node:path'
import { counter } from '../support/handlers.ts'
import { plant, type Tree } from '../support/site.ts'

/** How deep the deepest of the static files lies. */
const LEVELS = 20

/** Where that is, below `static/`. */
export const deep = Array.from({ length: LEVELS }, (_, level) => `d${level + 1}`).join('/')

/** Writes the site that pso is measured with; `redis`: the URL of one, where there is one. The value is its server.ini. */
export function plantContestants(directory: string, redis: string | undefined): string {
  const page = (handler: string): Tree => ({ '.psoaccess': '', 'handler.ts': handler })
  const counting = (loader: string): Tree => ({
    '.psoaccess': `PSOSessionLoader = ${loader}\n`,
    'handler.ts': counter,
  })
  plant(directory, {
    conf: { 'server.ini': 'Listen = 127.0.0.1:0\n' },
    public_html: {
      hello: page("export function handler (req: any) { req.write('Hello World!') }\n"),
      string: page("export const handler = () => 'Hello World!'\n"),
      large: {
        ...page("export const handler = (req: any) => { req.sendfile('file.bin') }\n"),
        'file.bin': 'x'.repeat(1 << 20),
      },
      form: page(
        "export function handler (req: any) { const p = req.pso(); req.write(p.getInput('field0') + p.getInput('field9')) }\n",
      ),
      counter: counting('file:'),
      sqlite: counting('sqlite:sessions.db'),
      memory: counting('memory:'),
      ...(redis === undefined ? {} : { redis: counting(redis) }),
      static: levels(1),
    },
  })
  return join(directory, 'conf/server.ini')
}

/** A directory in a directory, each with a line of its own. */
function levels(level: number): Tree {
  const inside: Tree = {
    '.psoaccess': `SetEnv = LEVEL ${level}\n`,
    ...(level === 1 || level === LEVELS ? { 'small.txt': 'x'.repeat(1024) } : {}),
    ...(level < LEVELS ? levels(level + 1) : {}),
  }
  return { [`d${level}`]: inside }
}

/** The program of the server that pso is measured by. */
export const bareFastify = (): string => `import Fastify from '${import.meta.resolve('fastify')}'
import formbody from '${import.meta.resolve('@fastify/formbody')}'
const app = Fastify({ logger: false })
app.register(formbody)
app.get('/', () => 'Hello World!')
app.post('/form', request => request.body.field0 + request.body.field9)
console.log(await app.listen({ host: '127.0.0.1', port: 0 }) + '/')`
