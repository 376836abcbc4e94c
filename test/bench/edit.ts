/** Edit to response, in ms, over HTTP: `node test/bench/edit.ts [edits]`; development, and production with its watcher off. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli } from '../support/project.ts'

const edits = Number(process.argv[2] ?? 50)
const work = mkdtempSync(join(tmpdir(), 'pso-bench-'))
const handler = join(work, 'public_html/a/handler.ts')

try {
  mkdirSync(join(work, 'public_html/a'), { recursive: true })
  mkdirSync(join(work, 'conf'))
  writeFileSync(join(work, 'conf/server.ini'), 'Listen = 127.0.0.1:0\n')
  writeFileSync(join(work, 'public_html/a/.psoaccess'), '')
  for (const [mode, count] of [
    ['--dev', edits],
    ['--production', Math.min(edits, 10)],
  ] as const) {
    write('start')
    const child = spawn(
      process.execPath,
      [cli, 'serve', mode, '--workers', '1', '--config', join(work, 'conf/server.ini')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const url = `${await new Promise<string>(resolve => child.stdout.once('data', chunk => resolve(/http:\/\/\S+/.exec(String(chunk))![0])))}a/`
    await body(url)
    const times: number[] = []
    let refused = 0
    for (let edit = 0; edit < count; edit++) {
      const text = `edit ${edit} ${Math.random()}`
      const begun = performance.now()
      write(text)
      for (;;) {
        try {
          if ((await body(url)) === text) break
        } catch {
          refused++
        }
        if (performance.now() - begun > 10_000) throw new Error(`${mode}: an edit was not served in 10 s`)
      }
      times.push(performance.now() - begun)
    }
    times.sort((a, b) => a - b)
    const at = (share: number): string =>
      times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1)
    console.log(
      `${mode}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms, ${refused} refused, ${count} edits`,
    )
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}

function write(text: string): void {
  writeFileSync(handler, `export const handler = () => ${JSON.stringify(text)}\n`)
}

async function body(url: string): Promise<string> {
  return await (await fetch(url)).text()
}
