import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { cli } from './project.ts'
import { plant, type Tree } from './site.ts'

/** What a program printed. */
export interface Printed {
  readonly exit: number | string
  /** The lines before the first blank one. */
  readonly head: readonly string[]
  /** What follows it. */
  readonly body: string
  readonly errors: string
}

/** A program that runs. */
export interface RunningProgram {
  readonly pid: number
  readonly input: Writable
  readonly output: Readable
  kill(signal: NodeJS.Signals): void
  /** Rejects never; `head` and `body` are empty where the test reads the output itself. */
  readonly printed: Promise<Printed>
}

interface RunOptions {
  /** All of its environment, PATH apart. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: node itself, as for `if (import.meta.main)`. */
  readonly under?: readonly string[]
  readonly cwd?: string
  /** True: the test reads the output. */
  readonly keepsOutput?: boolean
}

/** `pso cgi`, with options of its own where there are some. */
export const psoCgi = (...options: string[]): string[] => [cli, 'cgi', ...options]

/** Starts `node ARGS`; killed when the test ends. */
export function startProgram(t: Test, args: readonly string[], options: RunOptions = {}): RunningProgram {
  const { env = {}, cwd, keepsOutput = false, under = [process.execPath] } = options
  // without the hooks that the test runner gives to every child
  const child = spawn('env', ['-u', 'NODE_OPTIONS', ...under, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
  })
  const exit = new Promise<number | string>(resolve =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? -1)),
  )
  child.stdin.on('error', () => {})
  t.teardown(() => child.kill('SIGKILL'))
  const read = async (): Promise<Printed> => {
    const [out, errors, code] = await Promise.all([keepsOutput ? '' : text(child.stdout), text(child.stderr), exit])
    const [head = '', ...body] = out.split('\n\n')
    return { exit: code, head: head === '' ? [] : head.split('\n'), body: body.join('\n\n'), errors }
  }
  return {
    pid: child.pid!,
    input: child.stdin,
    output: child.stdout,
    kill: signal => child.kill(signal),
    printed: read(),
  }
}

/** Runs it to its end, with this on its standard input. */
export function runProgram(
  t: Test,
  args: readonly string[],
  { input = '', ...options }: RunOptions & { readonly input?: string | Buffer } = {},
): Promise<Printed> {
  const program = startProgram(t, args, options)
  program.input.end(input)
  return program.printed
}

/** A directory with `conf/server.ini` and `public_html`, outside of this project; gone when the test ends. */
export function plantSite(t: Test, tree: Tree, ini = ''): string {
  const top = mkdtempSync(join(tmpdir(), 'pso-test-'))
  t.teardown(() => rmSync(top, { recursive: true, force: true }))
  plant(top, { conf: { 'server.ini': `ErrorLog = error.log\n${ini}` }, public_html: tree })
  return top
}

/** Writes a directory for PATH, whose `pso` is this project's, on the node that runs this. */
export function plantPso(directory: string): void {
  plant(directory, { pso: `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n` })
  makeExecutable(join(directory, 'pso'))
}

/** What Apache says to a program at `url`, such as `/shop/test.cgi/cart?a=1`, whose own URL is `script`. */
export function apacheVariables(
  script: string,
  url: string,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [path = '', query = ''] = url.split('?')
  const pathInfo = decodeURIComponent(path.slice(script.length))
  return {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_SOFTWARE: 'Apache',
    SERVER_NAME: 'shop.test',
    SERVER_PORT: '8080',
    SERVER_ADDR: '127.0.0.1',
    REQUEST_METHOD: 'GET',
    REQUEST_SCHEME: 'http',
    REQUEST_URI: url,
    QUERY_STRING: query,
    SCRIPT_NAME: script,
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_PORT: '40000',
    HTTP_HOST: 'shop.test:8080',
    ...(pathInfo === '' ? {} : { PATH_INFO: pathInfo }),
    ...more,
  }
}

export const makeExecutable = (file: string): void => chmodSync(file, 0o755)
