/**
 * What a request costs where many sessions are stored: `node test/bench/many-sessions.ts [stored] [rounds] [seconds]`. CPU per request
 * over 1,000 active sessions that are all there are, and over 1,000 of a million, for file and sqlite, interleaved in one run. Needs
 * 5 GiB and as many inodes in the temporary directory as there are sessions; all is removed at the end.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoaderSpec, openLoader } from '../../session/open-loader.ts'
import { newSessionId } from '../../session/session-id.ts'
import { counter } from '../support/handlers.ts'
import { cli } from '../support/project.ts'
import { type Loaded, load, median, start, stopAll } from './measure.ts'

const ACTIVE = 1000
/** At most so many times the cost with the active ones alone. */
const LIMIT = 1.15
/** When a server first purges: after that it would be measured with the requests. */
const PURGE_MS = 60_000

const stored = Number(process.argv[2] ?? 1_000_000)
const rounds = Number(process.argv[3] ?? 5)
const seconds = Number(process.argv[4] ?? 2)
const work = mkdtempSync(join(tmpdir(), 'pso-bench-'))

try {
  const [few, many] = [buildSite('few'), buildSite('many')]
  const active = [await fillSite(few, ACTIVE), await fillSite(many, stored)]
  // a server for each: the descriptors that one keeps open are for 2,000 sessions
  const servers = [await serve(few), await serve(many)]
  const began = performance.now()
  const contestants = (['file', 'sqlite'] as const).map(type =>
    servers.map(({ url, pid }, number): Loaded => {
      const count = number === 0 ? ACTIVE : stored
      return { name: `${type}, ${count} stored`, url: `${url}${type}/`, pid, cookies: active[number]![type] }
    }),
  )
  const costs = new Map<Loaded, number[]>(contestants.flat().map(contestant => [contestant, []]))
  for (const contestant of contestants.flat()) await load(contestant, 1)
  for (let round = 0; round < rounds; round++)
    for (const contestant of contestants.flat()) costs.get(contestant)!.push((await load(contestant, seconds)).cost)
  if (performance.now() - began > PURGE_MS) console.log('a purge was measured with it: fewer rounds, please')
  console.log(`Node ${process.version}, ${rounds} rounds of ${seconds} s, 32 connections`)
  for (const [one, other] of contestants) {
    const ratio = median(costs.get(other!)!.map((cost, round) => cost / costs.get(one!)![round]!))
    for (const contestant of [one!, other!])
      console.log(`${contestant.name.padEnd(24)} ${median(costs.get(contestant)!).toFixed(1).padStart(6)} us`)
    console.log(`${' '.repeat(24)} ${ratio.toFixed(2)} x (at most ${LIMIT})`)
  }
} finally {
  await stopAll()
  rmSync(work, { recursive: true, force: true })
}

/** A site whose directories `file` and `sqlite` keep their sessions there, below its state directory. */
function buildSite(name: string): string {
  const site = join(work, name)
  mkdirSync(join(site, 'conf'), { recursive: true })
  writeFileSync(join(site, 'conf/server.ini'), 'Listen = 127.0.0.1:0\n')
  for (const [type, directive] of [
    ['file', 'PSOSessionFileLoader_Path = files'],
    ['sqlite', 'PSOSessionLoader = sqlite:sessions.db'],
  ] as const) {
    mkdirSync(join(site, 'public_html', type), { recursive: true })
    writeFileSync(join(site, 'public_html', type, '.psoaccess'), `PSOServiceId = s\n${directive}\n`)
    writeFileSync(join(site, 'public_html', type, 'handler.ts'), counter)
  }
  return site
}

/** Stores so many sessions by the loaders' own code, spread over the store; the cookies of the first ones. */
async function fillSite(site: string, count: number): Promise<{ file: string[]; sqlite: string[] }> {
  const state = join(site, '.pso')
  mkdirSync(state, { mode: 0o700 })
  return {
    file: await fill({ type: 'file', directory: join(state, 'files') }, count),
    sqlite: await fill({ type: 'sqlite', path: join(state, 'sessions.db') }, count),
  }
}

async function fill(spec: LoaderSpec, count: number): Promise<string[]> {
  const loader = openLoader(spec)
  const cookies: string[] = []
  const now = Date.now()
  for (let number = 0; number < count; number++) {
    const id = newSessionId()
    const endsAt = now + 24 * 60 * 60 * 1000
    const record = { serviceId: 's', data: '{"visits":1}', createdAt: now, usedAt: now, endsAt, version: 1 }
    await loader.save(id, record, { serviceId: 's' })
    if (number < ACTIVE) cookies.push(`s=${id}`)
  }
  await loader.close?.()
  return cookies
}

function serve(site: string): Promise<{ url: string; pid: number }> {
  const config = join(site, 'conf/server.ini')
  return start(process.execPath, [cli, 'serve', '--production', '--workers', '1', '--config', config])
}
