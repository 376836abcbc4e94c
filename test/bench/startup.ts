/** Start to first response, in ms: `node test/bench/startup.ts [starts]`; the second start of a fresh clone and later, 10 and 10,000 directories. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli } from '../support/project.ts'

const starts = Number(process.argv[2] ?? 10)
const work = mkdtempSync(join(tmpdir(), 'pso-bench-'))
// a number, as a site has it: a port that is left to the system takes a worker one more question
const port = await freePort()

try {
  const sites = [10, 10_000].map(count => ({ count, config: makeSite(count) }))
  const times = new Map<number, number[]>(sites.map(({ count }) => [count, []]))
  for (const { config } of sites) await firstResponse(config)
  for (let start = 0; start < starts; start++)
    for (const { count, config } of sites) times.get(count)!.push(await firstResponse(config))
  for (const [count, all] of times) {
    const sorted = all.sort((a, b) => a - b)
    const median = (sorted[Math.floor((starts - 1) / 2)]! + sorted[Math.ceil((starts - 1) / 2)]!) / 2
    console.log(`${count} directories: ${median.toFixed(0)} ms (${sorted[0]!.toFixed(0)}-${sorted.at(-1)!.toFixed(0)})`)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}

function makeSite(count: number): string {
  const root = join(work, String(count), 'public_html')
  for (let directory = 0; directory < count; directory++) {
    const path = join(root, String(directory % 100), String(directory))
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, '.psoaccess'), '')
  }
  mkdirSync(join(root, 'hello'))
  writeFileSync(join(root, 'hello', '.psoaccess'), '')
  writeFileSync(join(root, 'hello', 'handler.ts'), "export function handler (req: any) { req.write('Hello World!') }\n")
  mkdirSync(join(work, String(count), 'conf'))
  const config = join(work, String(count), 'conf', 'server.ini')
  writeFileSync(config, `Listen = 127.0.0.1:${port}\n`)
  return config
}

async function firstResponse(config: string): Promise<number> {
  const begun = performance.now()
  const child = spawn(process.execPath, [cli, 'serve', '--workers', '1', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', chunk => resolve(/http:\/\/\S+/.exec(String(chunk))![0]))
    child.once('exit', code => reject(new Error(`pso ended with ${code}`)))
  })
  const answer = await fetch(`${url}hello/`)
  if ((await answer.text()) !== 'Hello World!') throw new Error(`got ${answer.status}`)
  const took = performance.now() - begun
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
  return took
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise(closed => probe.close(closed))
  return port
}
