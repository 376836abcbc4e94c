import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type PackageName, programOf } from '../packages.ts'
import { childrenOf } from '../processes.ts'
import { freePort } from './free-port.ts'

/** A server of its own for one test file: on a loopback port, with its data in a temporary directory; both are gone when the test ends. */
export interface PrivateServer {
  /** As PSOSessionLoader takes it: user, password, address and database. */
  readonly url: string
  readonly port: number
  readonly password: string
  /** Ends it, and with it its connections; its port refuses. Its data stay. */
  stop(): Promise<void>
  /** Starts it again: the same port, the same data. */
  start(): Promise<void>
  /** A black hole from now on: what stands is silent, a new connection is accepted by the kernel and never answered. */
  pause(): void
  /** It goes on, and answers what came meanwhile. */
  resume(): void
}

/** What is particular to a kind of server. */
export interface ServerKind {
  readonly package: PackageName
  /** Called once, before the first start. `program` is the package's, `directory` is empty and belongs to whom `run` runs as. */
  prepare(program: string, place: Place): void
  /** The command of the server in the foreground. */
  command(program: string, place: Place): readonly [string, ...string[]]
  /** What it writes once it accepts connections. */
  readonly ready: RegExp
  /** The signal that ends it in order and does not wait for its clients. */
  readonly stopSignal: NodeJS.Signals
  /** What ends it with its test, whatever has become of it; default SIGKILL. SIGTERM for a server that has to end its children. */
  readonly lastSignal?: 'SIGKILL' | 'SIGTERM'
  /** True: where the test runs as root, it may read what root may, such as this project wherever that lies. */
  readonly readsAll?: boolean
  url(place: Place): string
}

export interface Place {
  readonly directory: string
  readonly port: number
  readonly password: string
  /** Runs a command to its end, as the user the server runs as; throws with what it wrote. */
  run(command: string, ...args: string[]): void
}

/** PostgreSQL refuses to run as root: under root all servers run as nobody. */
const nobody = 65534
const isRoot = process.getuid?.() === 0
const asUser = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : []
/** On Linux a server dies with its test, however that ends. */
function withTest({ lastSignal = 'SIGKILL', readsAll = false }: ServerKind): string[] {
  if (process.platform !== 'linux') return asUser
  const capabilities = isRoot && readsAll ? ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'] : []
  return [...(isRoot ? asUser : ['setpriv']), ...capabilities, `--pdeathsig=${lastSignal.slice(3)}`]
}

/** Starts a server; undefined where the package is missing: the test is skipped, under CI it fails. */
export async function privateServer(t: Test, kind: ServerKind): Promise<PrivateServer | undefined> {
  const program = programOf(t, kind.package)
  if (program === undefined) return undefined

  const { lastSignal = 'SIGKILL' } = kind
  const directory = mkdtempSync(join(tmpdir(), 'pso-test-server-'))
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || hasEnded(child)) return
    const ended = once(child, 'close')
    // first: a stopped process keeps a signal waiting, and a stopped child of one that was killed has no parent to find it by
    resume()
    child.kill(signal)
    await ended
  }
  t.teardown(async () => {
    await end(lastSignal)
    rmSync(directory, { recursive: true, force: true })
  })

  if (isRoot) chownSync(directory, nobody, nobody)
  const run = (...words: string[]): void => {
    const [command = '', ...args] = [...asUser, ...words]
    execFileSync(command, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
  }
  const place: Place = { directory, port: await freePort(), password: 'secret-of-the-test', run }
  kind.prepare(program, place)

  const start = async (): Promise<void> => {
    const [command = '', ...args] = [...withTest(kind), ...kind.command(program, place)]
    child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
    await untilReady(child, kind.ready)
  }
  const pause = (): void => signalAll(child!, 'SIGSTOP')
  const resume = (): void => signalAll(child!, 'SIGCONT')

  await start()
  return {
    url: kind.url(place),
    port: place.port,
    password: place.password,
    stop: () => end(kind.stopSignal),
    start,
    pause,
    resume,
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** Reads what it writes, also afterwards: a full pipe would stop it. */
function untilReady(child: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let written = ''
    let isReady = false
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', chunk => {
        if (isReady) return
        written += chunk
        isReady = ready.test(written)
        if (isReady) resolve()
      })
    child.once('error', reject)
    child.once('close', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}: ${written}`)))
  })
}

/** The process and its children, the process first: it could start others. PostgreSQL has a process, and a process group, a connection. */
function signalAll(server: ChildProcess, signal: NodeJS.Signals): void {
  server.kill(signal)
  for (const pid of childrenOf(server.pid!)) signalIfThere(pid, signal)
}

/** A child may end at any moment. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
