import { type ChildProcess, spawn } from 'node:child_process'
import type { Test } from 'tap'
import { cli } from './project.ts'

/** A `pso` of its own, as a user starts it. */
export interface PsoProcess {
  readonly child: ChildProcess
  /** What it has written to standard output, and to standard error. */
  out(): string
  errors(): string
  /** The first address it says it serves; rejects when it ends before. */
  readonly url: Promise<string>
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

interface StartOptions {
  /** Default: this process's. */
  readonly cwd?: string
  /** The command, with its arguments, that is to run pso; it is killed when the test ends. */
  readonly under?: readonly string[]
}

/** Starts `pso ARGS`; it is stopped, and gone, when the test ends. */
export function startPso(t: Test, args: readonly string[], { cwd, under = [] }: StartOptions = {}): PsoProcess {
  const [command = '', ...words] = [...under, process.execPath, cli, ...args]
  const child = spawn(command, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stderr!.on('data', chunk => (errors += chunk))
  const ended = new Promise<number | string>(resolve =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? -1)),
  )
  const url = new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', chunk => {
      out += chunk
      const found = /http:\/\/\S+/.exec(out)
      if (found !== null) resolve(found[0].replace(/\/$/, ''))
    })
    ended.then(how => reject(new Error(`pso ended with ${how}: ${errors}`)))
  })
  url.catch(() => {})
  t.teardown(async () => {
    child.kill(under.length === 0 ? 'SIGTERM' : 'SIGKILL')
    await ended
  })
  return { child, out: () => out, errors: () => errors, url, ended }
}
