/**
 * CPU per request of pso beside a bare Fastify route, in one run: `node test/bench/ratios.ts [rounds] [seconds]`.
 * Contestants are interleaved; figures are user + system time of the server process (Linux: /proc), medians over the rounds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli } from '../support/project.ts'
import { redisServer } from '../support/services/redis-server.ts'
import { asTest } from './as-test.ts'
import { bareFastify, deep, plantContestants } from './contestants.ts'
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

const { test, end } = asTest()

try {
  const redis = await redisServer(test)
  const bare = await start(process.execPath, ['--input-type=module', '-e', bareFastify()])
  const ini = plantContestants(work, redis?.url)
  const pso = await start(process.execPath, [cli, 'serve', '--production', '--workers', '1', '--config', ini])
  const visitorsOf = async (path: string): Promise<{ cookies: string[] }> => ({
    cookies: await visitors(pso.url + path, 1000),
  })
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
  await end()
  rmSync(work, { recursive: true, force: true })
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
