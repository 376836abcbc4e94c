import { writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { get } from './get.ts'
import { visit } from './handlers.ts'
import { visited } from './lose-no-visit.ts'
import { startPso } from './pso-process.ts'
import type { Store } from './stores.ts'

const WRITES = 500
const CONCURRENCY = 16

interface Trial {
  readonly store: Store
  readonly kills: number
  /** How long the lock that a killed server had may bar the next one, ms. */
  readonly freeWithinMs: number
}

/** Kills a server so many times, each time in the middle of 500 writes to one session: what a response had said is there for the next. */
export async function surviveKills(t: Test, { store, kills, freeWithinMs }: Trial): Promise<void> {
  const dir = t.testdir({
    conf: { 'server.ini': 'Listen = 127.0.0.1:0\nErrorLog = error.log\n' },
    public_html: { 'handler.ts': visited['a handler that awaits between reading and writing'] },
  })
  const directive = await store(t, dir)
  if (directive === undefined) return
  writeFileSync(join(dir, 'public_html/.psoaccess'), `PSOServiceId = s\n${directive}\n`)
  let cookie: string | undefined
  let told = 0
  let onTheirWay = 0
  for (let kill = 0; kill <= kills; kill++) {
    const server = startPso(t, ['serve', '--production', '--config', join(dir, 'conf/server.ini'), '--workers', '1'])
    const url = await server.url
    const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY })
    const begun = performance.now()
    const first = await get(url, agent, cookie)
    t.equal(first.status, 200, 'the next server answers')
    t.ok(performance.now() - begun <= freeWithinMs, `the lock is free within ${freeWithinMs} ms`)
    cookie ??= /^[^;]+/.exec(first.cookie!)![0]
    const stored = visit(first.body) - 1
    t.ok(stored >= told && stored <= told + onTheirWay, `${stored} stored, ${told} told, ${onTheirWay} on their way`)
    told = stored + 1
    onTheirWay = 0
    if (kill < kills) {
      // somewhere in the middle, another place each time
      const killAt = 50 + Math.floor(((WRITES - 100) * kill) / kills)
      let sent = 0
      let arrived = 0
      const visitor = async (): Promise<void> => {
        while (sent < WRITES) {
          sent++
          const answer = await get(url, agent, cookie)
          if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`)
          told = Math.max(told, visit(answer.body))
          if (++arrived === killAt) server.child.kill('SIGKILL')
        }
      }
      const ended = await Promise.allSettled(Array.from({ length: CONCURRENCY }, visitor))
      for (const one of ended)
        if (one.status === 'rejected' && !isLostConnection(one.reason)) t.fail(String(one.reason))
      t.equal(await server.ended, 'SIGKILL')
      onTheirWay = CONCURRENCY
    }
    agent.destroy()
  }
}

const isLostConnection = (error: unknown): boolean =>
  ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')
