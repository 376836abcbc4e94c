import { spawnSync } from 'node:child_process'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { counter, does, visit } from '../support/handlers.ts'
import { startPso } from '../support/pso-process.ts'

const REQUESTS = 10_000
const CONCURRENCY = 32

const awaits = does(
  'const { session } = req.pso(); const visits = session.visits ?? 0; await new Promise(setImmediate); session.visits = visits + 1; return `visit number: ${session.visits} process ${process.pid}`',
)
const counts = counter.replace('~ Try Reload!', '~ Try Reload! process ${process.pid}')

/** A PID namespace of its own, as a container has it; absent where it takes a right that this user has not. */
const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const hasContainers = spawnSync('unshare', [...container.slice(1), 'true']).status === 0

/** Title, the commands that the servers run under, workers of each. */
const cases: readonly (readonly [string, readonly (readonly string[])[], number])[] = [
  ['one server', [[]], 1],
  ['one server of two workers', [[]], 2],
  ['two servers on one session directory', [[], []], 1],
  ...(hasContainers
    ? [['two servers on one session directory, one in a PID namespace of its own', [[], container], 1] as const]
    : []),
]

if (!hasContainers) t.pass('no PID namespaces', { skip: 'unshare takes a right that this user has not' })

for (const [title, servers, workers] of cases)
  for (const [handler, source] of [
    ['the quick example', counts],
    ['a handler that awaits between reading and writing', awaits],
  ] as const)
    t.test(`${title}, ${handler}: ${REQUESTS} requests of one visitor lose no visit`, { timeout: 120_000 }, async t => {
      const dir = t.testdir({
        conf: { 'server.ini': 'Listen = 127.0.0.1:0\nErrorLog = error.log\n' },
        public_html: { '.psoaccess': 'PSOServiceId = s', 'handler.ts': source },
      })
      const args = ['serve', '--production', '--config', join(dir, 'conf/server.ini'), '--workers', String(workers)]
      const urls = await Promise.all(servers.map(under => startPso(t, args, { under }).url))
      // a connection stays with the worker that took it: all of them must be there before the first
      const ready = new Set<string>()
      while (ready.size < servers.length * workers)
        for (const url of urls) ready.add(processOf((await get(url, new Agent())).body))
      const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY })
      const first = await get(urls[0]!, agent)
      const cookie = /^[^;]+/.exec(first.cookie!)![0]
      t.equal(visit(first.body), 1)
      const seen = new Set<number>([1])
      const processes = new Set<string>()
      let sent = 1
      const visitor = async (): Promise<void> => {
        while (sent < REQUESTS) {
          const answer = await get(urls[sent++ % urls.length]!, agent, cookie)
          if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`)
          seen.add(visit(answer.body))
          processes.add(processOf(answer.body))
        }
      }
      await Promise.all(Array.from({ length: CONCURRENCY }, visitor))
      agent.destroy()
      t.equal(processes.size, servers.length * workers, 'all processes took part')
      t.equal(seen.size, REQUESTS, 'every visit was counted once')
      t.equal(Math.max(...seen), REQUESTS)
    })

const processOf = (body: string): string => /process (\d+)/.exec(body)![1]!

function get(
  url: string,
  agent: Agent,
  cookie?: string,
): Promise<{ status: number; body: string; cookie: string | undefined }> {
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
