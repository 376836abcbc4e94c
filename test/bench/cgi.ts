/**
 * What a CGI program costs under pso beside a bare spawn of it, in one run: `node test/bench/cgi.ts [rounds] [requests]`.
 * Wall time and CPU of a request, one after the other; CPU is user + system time of the processes that serve, with their children (Linux: /proc).
 * Contestants are interleaved; figures are medians over the rounds.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cli } from '../support/project.ts'
import { dial, head } from '../support/wire.ts'
import { cpuMicroseconds, median, start, stopAll } from './measure.ts'

const rounds = Number(process.argv[2] ?? 7)
const requests = Number(process.argv[3] ?? 200)
const LIMIT = 1.2
/** Rounds that do not count: V8 compiles for some thousand requests. */
const WARM_UP = 5
const work = mkdtempSync(join(tmpdir(), 'pso-bench-'))
const programs = join(work, 'programs')

let bare: ChildProcess | undefined

interface Contestant {
  readonly pid: number
  /** Runs a program so many times, one after the other; resolves to the milliseconds that it took. */
  run(program: string): Promise<number>
}

try {
  plant()
  const contestants = { bare: await bareSpawn(), pso: await served() }
  for (const program of ['sh.cgi', 'compiled.cgi']) {
    const wall: Record<string, number[]> = { bare: [], pso: [] }
    const cpu: Record<string, number[]> = { bare: [], pso: [] }
    for (let round = 1 - WARM_UP; round <= rounds; round++)
      for (const [name, { pid, run }] of Object.entries(contestants)) {
        const before = cpuMicroseconds(pid)
        const took = await run(program)
        if (round <= 0) continue
        wall[name]!.push(took / requests)
        cpu[name]!.push((cpuMicroseconds(pid) - before) / 1000 / requests)
      }
    for (const [what, figures] of Object.entries({ wall, CPU: cpu })) {
      const [least, pso] = [median(figures['bare']!), median(figures['pso']!)]
      const verdict = pso / least <= LIMIT ? '' : `  over ${LIMIT}`
      console.log(
        `${program.padEnd(14)}${what.padEnd(6)}bare ${least.toFixed(2)} ms  pso ${pso.toFixed(2)} ms  ×${(pso / least).toFixed(2)}${verdict}`,
      )
    }
  }
} finally {
  bare?.kill()
  await stopAll()
  rmSync(work, { recursive: true, force: true })
}

function plant(): void {
  for (const directory of ['conf', 'public_html', 'programs']) mkdirSync(join(work, directory))
  writeFileSync(
    join(work, 'conf/server.ini'),
    'Listen = 127.0.0.1:0\nScriptAlias = /cgi-bin/ programs\nErrorLog = error.log\n',
  )
  writeFileSync(join(programs, 'sh.cgi'), '#!/bin/sh\necho "Content-Type: text/plain"\necho\necho "$SCRIPT_NAME"\n')
  chmodSync(join(programs, 'sh.cgi'), 0o755)
  writeFileSync(
    join(work, 'echo.c'),
    '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { printf("Content-Type: text/plain\\n\\n%s\\n", getenv("SCRIPT_NAME")); return 0; }\n',
  )
  execFileSync('gcc', ['-O2', '-o', join(programs, 'compiled.cgi'), join(work, 'echo.c')])
}

/** A plain script, with the stdio and the environment that pso gives. */
async function bareSpawn(): Promise<Contestant> {
  const script = `
    import { spawn } from 'node:child_process'
    import { createInterface } from 'node:readline'
    const env = Object.fromEntries(Array.from({ length: 25 }, (_, at) => ['VARIABLE_' + at, 'value of ' + at]))
    env.SCRIPT_NAME = '/cgi-bin/x'
    env.PATH = process.env.PATH
    const once = file => new Promise(resolve => {
      const child = spawn(file, [], { cwd: ${JSON.stringify(programs)}, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
      let text = ''
      child.stdout.on('data', chunk => { text += chunk })
      child.stderr.resume()
      child.on('close', () => resolve(text))
    })
    for await (const file of createInterface({ input: process.stdin })) {
      for (let at = 0; at < ${requests}; at++) await once(file)
      console.log('done')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  bare = child
  return {
    pid: child.pid!,
    async run(program) {
      const began = performance.now()
      child.stdin.write(`${join(programs, program)}\n`)
      await lines.next()
      return performance.now() - began
    },
  }
}

async function served(): Promise<Contestant> {
  const args = ['serve', '--production', '--workers', '1', '--config', join(work, 'conf/server.ini')]
  const { url, pid } = await start(process.execPath, [cli, ...args])
  // the client's work counts as wall time: it is to have as little as there can be
  const socket = dial(url)
  return {
    pid,
    async run(program) {
      const began = performance.now()
      for (let at = 0; at < requests; at++) {
        socket.write(head(`GET /cgi-bin/${program}`))
        for (let text = ''; !text.includes(`/cgi-bin/${program}\n`); ) text += String((await once(socket, 'data'))[0])
      }
      return performance.now() - began
    },
  }
}
