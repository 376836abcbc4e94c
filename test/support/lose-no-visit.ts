import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Client } from './client.ts'
import { counter, does, visit } from './handlers.ts'
import { startPso } from './pso-process.ts'
import type { StoreKind } from './stores.ts'

const CONCURRENCY = 64

/** Handlers that answer with a number, one more each time, and with their process. */
export const visited = {
  'the quick example': counter.replace('~ Try Reload!', '~ Try Reload! process ${process.pid}'),
  'a handler that awaits between reading and writing': does(`
    const { session } = req.pso()
    const visits = session.visits ?? 0
    await new Promise(setImmediate)
    session.visits = visits + 1
    return \`visit number: \${session.visits} process \${process.pid}\``),
  'a handler that appends to an array': does(`
    const { session } = req.pso()
    const numbers = session.numbers ?? []
    await new Promise(setImmediate)
    session.numbers = [...numbers, numbers.length + 1]
    return \`visit number: \${session.numbers.length} process \${process.pid}\``),
} as const

interface Trial {
  readonly store: StoreKind
  /** The command that each server runs under; [] for a plain one. */
  readonly servers: readonly (readonly string[])[]
  readonly workers: number
  readonly handler: keyof typeof visited
  readonly requests: number
}

/** So many requests of one visitor, 64 at once, to servers in directories of their own that share a store: each is counted once. */
export async function loseNoVisit(t: Test, { store, servers, workers, handler, requests }: Trial): Promise<void> {
  const site = {
    conf: { 'server.ini': 'Listen = 127.0.0.1:0\nErrorLog = error.log\n' },
    public_html: { 'handler.ts': visited[handler] },
  }
  const dir = t.testdir(Object.fromEntries(servers.map((_, number) => [`server${number}`, structuredClone(site)])))
  const opened = await store.open(t, dir)
  if (opened === undefined) return
  const urls = await Promise.all(
    servers.map((under, number) => {
      const home = join(dir, `server${number}`)
      writeFileSync(join(home, 'public_html/.psoaccess'), `PSOServiceId = s\n${opened.lines}\n`)
      const config = join(home, 'conf/server.ini')
      return startPso(t, ['serve', '--production', '--config', config, '--workers', String(workers)], { under }).url
    }),
  )
  // a connection stays with the worker that took it: all of them must be there before the first
  const ready = new Set<string>()
  while (ready.size < servers.length * workers)
    for (const url of urls) {
      const stranger = new Client(1)
      ready.add(processOf((await stranger.get(url)).body))
      stranger.close()
    }
  const client = new Client(CONCURRENCY)
  const first = await client.get(urls[0]!)
  t.equal(visit(first.body), 1)
  const seen = new Set<number>([1])
  const processes = new Set<string>()
  let sent = 1
  const visitor = async (): Promise<void> => {
    while (sent < requests) {
      const answer = await client.get(urls[sent++ % urls.length]!, first.cookie)
      if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`)
      seen.add(visit(answer.body))
      processes.add(processOf(answer.body))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, visitor))
  client.close()
  t.equal(processes.size, servers.length * workers, 'all processes took part')
  t.equal(seen.size, requests, 'every visit was counted once')
  t.equal(Math.max(...seen), requests)
}

const processOf = (body: string): string => /process (\d+)/.exec(body)![1]!
