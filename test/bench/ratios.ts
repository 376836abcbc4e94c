/**
 * CPU per request of pso beside a bare Fastify route, in one run: `node test/bench/ratios.ts [rounds] [seconds]`.
 * Contestants are interleaved; figures are user + system time of the server process (Linux: /proc), medians over the rounds.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { counter } from '../support/handlers.ts'
import { cli } from '../support/project.ts'
import { redisServer } from '../support/services/redis-server.ts'
import { type Loaded, load, median, start, stopAll } from './measure.ts'

const rounds = Number(process.argv[2] ?? 7)
const seconds = Number(process.argv[3] ?? 2)
const work = mkdtempSync(join(tmpdir(), 'pso-bench-'))

interface Contestant extends Loaded {
  /** At most this many times the CPU of the contestant it is measured by; Infinity: only to be measured by. */
  readonly limit: number
  readonly against: string
}

/** Ten fields, as a browser sends them. */
const form = Array.from({ length: 10 }, (_, at) => `field${at}=${at === 3 ? 'two+words+%26+more' : `value${at}`}`).join(
  '&',
)

/** What the servers of tests ask of a test: when it is over, and a word for a package that is missing. */
const ends: (() => unknown)[] = []
const bench = {
  teardown: (end: () => unknown) => ends.push(end),
  pass: console.log,
  fail: console.log,
} as unknown as Test

try {
  const redis = await redisServer(bench)
  const bare = await start(process.execPath, ['--input-type=module', '-e', bareFastify()])
  buildSite(redis?.url)
  const pso = await start(process.execPath, [
    cli,
    'serve',
    '--production',
    '--workers',
    '1',
    '--config',
    join(work, 'conf/server.ini'),
  ])
  const visitorsOf = async (path: string): Promise<{ cookies: string[] }> => ({
    cookies: await visitors(pso.url + path, 1000),
  })
  const deep = Array.from({ length: 20 }, (_, level) => `d${level + 1}`).join('/')
  const at = (name: string, path: string, limit: number, against = 'bare Fastify', more = {}): Contestant => ({
    name,
    url: pso.url + path,
    pid: pso.pid,
    limit,
    against,
    ...more,
  })
  const contestants: Contestant[] = [
    { name: 'bare Fastify', url: bare.url, pid: bare.pid, limit: 1, against: 'bare Fastify' },
    at('handler hello', 'hello/', 1.5),
    at('handler returns a string', 'string/', 1.5),
    at('counter on file, 1,000 sessions', 'counter/', 4, 'bare Fastify', await visitorsOf('counter/')),
    at('counter on sqlite, 1,000 sessions', 'sqlite/', 4.5, 'bare Fastify', await visitorsOf('sqlite/')),
    at('counter on memory, 1,000 sessions', 'memory/', 2.2, 'bare Fastify', await visitorsOf('memory/')),
    ...(redis === undefined
      ? []
      : [at('counter on redis, 1,000 sessions', 'redis/', 7, 'bare Fastify', await visitorsOf('redis/'))]),
    {
      name: 'form, Fastify with formbody',
      url: `${bare.url}form`,
      pid: bare.pid,
      limit: 2,
      against: 'bare Fastify',
      form,
    },
    at('form of 10 fields', 'form/', 2, 'form, Fastify with formbody', { form }),
    at('static 1 KiB', 'static/d1/small.txt', 2),
    at('static 1 KiB, 20 directories', `static/${deep}/small.txt`, 1.1, 'static 1 KiB'),
    at('static 1 MiB', 'large/file.bin', Number.POSITIVE_INFINITY),
    at('sendfile 1 MiB', 'large/', 1.1, 'static 1 MiB'),
  ]
  for (const contestant of contestants) await load(contestant, 1)
  const costs = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  const rates = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const contestant of contestants) {
      const { cost, rate } = await load(contestant, seconds)
      costs.get(contestant.name)!.push(cost)
      rates.get(contestant.name)!.push(rate)
    }
  console.log(`Node ${process.version}, ${rounds} rounds of ${seconds} s, 32 connections`)
  for (const { name, against, limit } of contestants) {
    const ratio = median(costs.get(name)!.map((cost, round) => cost / costs.get(against)![round]!))
    const most = limit === Number.POSITIVE_INFINITY ? '' : ` (at most ${limit})`
    const range = `${Math.min(...costs.get(name)!).toFixed(1)}-${Math.max(...costs.get(name)!).toFixed(1)}`
    console.log(
      `${name.padEnd(38)} ${median(costs.get(name)!).toFixed(1).padStart(6)} us (${range})  ${median(rates.get(name)!).toFixed(0).padStart(6)} req/s  ` +
        `${ratio.toFixed(2)} x ${against}${most}`,
    )
  }
} finally {
  await stopAll()
  for (const end of ends) await end()
  rmSync(work, { recursive: true, force: true })
}

function buildSite(redis: string | undefined): void {
  const put = (path: string, text: string): void => {
    mkdirSync(join(work, path, '..'), { recursive: true })
    writeFileSync(join(work, path), text)
  }
  put('conf/server.ini', 'Listen = 127.0.0.1:0\n')
  put('public_html/hello/.psoaccess', '')
  put('public_html/hello/handler.ts', "export function handler (req: any) { req.write('Hello World!') }\n")
  put('public_html/string/.psoaccess', '')
  put('public_html/string/handler.ts', "export const handler = () => 'Hello World!'\n")
  put('public_html/large/.psoaccess', '')
  put('public_html/large/file.bin', 'x'.repeat(1 << 20))
  put('public_html/large/handler.ts', "export const handler = (req: any) => { req.sendfile('file.bin') }\n")
  put('public_html/form/.psoaccess', '')
  put(
    'public_html/form/handler.ts',
    "export function handler (req: any) { const p = req.pso(); req.write(p.getInput('field0') + p.getInput('field9')) }\n",
  )
  for (const [directory, loader] of [
    ['counter', 'file:'],
    ['sqlite', 'sqlite:sessions.db'],
    ['memory', 'memory:'],
    ...(redis === undefined ? [] : [['redis', redis]]),
  ]) {
    put(`public_html/${directory}/.psoaccess`, `PSOSessionLoader = ${loader}\n`)
    put(`public_html/${directory}/handler.ts`, counter)
  }
  let path = 'public_html/static'
  for (let level = 1; level <= 20; level++) {
    path += `/d${level}`
    put(`${path}/.psoaccess`, `SetEnv = LEVEL ${level}\n`)
    if (level === 1 || level === 20) put(`${path}/small.txt`, 'x'.repeat(1024))
  }
}

function bareFastify(): string {
  return `import Fastify from '${import.meta.resolve('fastify')}'
import formbody from '${import.meta.resolve('@fastify/formbody')}'
import { cli } from '../support/project.ts'
const app = Fastify({ logger: false })
app.register(formbody)
app.get('/', () => 'Hello World!')
app.post('/form', request => request.body.field0 + request.body.field9)
console.log(await app.listen({ host: '127.0.0.1', port: 0 }) + '/')`
}

async function visitors(url: string, count: number): Promise<string[]> {
  const cookies: string[] = []
  for (let visitor = 0; visitor < count; visitor++) {
    const response = await fetch(url)
    await response.text()
    cookies.push(response.headers.getSetCookie()[0]!.split(';')[0]!)
  }
  return cookies
}
