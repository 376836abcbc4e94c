import { execFile, spawn } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, rmSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { dirname } from 'node:path'
import type { Ending, Launch, Order, Told } from './launch.ts'
import { ProcessGroups } from './process-groups.ts'

// The process that runs the CGI programs of one worker, as Apache's cgid does: a fork copies the page tables of the process that forks, and
// this one stays small, however large the worker's heap is; the worker goes on meanwhile. When the worker is gone, for whatever reason, its
// programs are killed.

const groups = new ProcessGroups()
const leaders = new Map<number, number>()
/** Of pipes. */
const directories = new Set<string>()

// signalling a group that is gone throws each time, and nobody reads the stack
Error.stackTraceLimit = 0

// a terminal sends Ctrl-C to all of its processes; the worker says when it is over
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

process.on('message', (order: Order) => {
  if ('file' in order) launch(order)
  else if ('pipes' in order) makePipes(order.pipes, order.paths)
  else end(order.end)
})

process.on('disconnect', () => process.exit())
process.on('exit', () => {
  groups.killAll()
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** At the head of a process group of its own, and without arguments, whatever the query says (RFC 3875 4.4 would make some of it arguments). */
function launch({ id, file, directory, environment, stdin, stdout, stderr }: Launch): void {
  const open: number[] = []
  try {
    if (stdin !== undefined) open.push(openPipe(stdin, constants.O_RDONLY))
    if (stdin !== undefined) tell({ id, hasOpened: true })
    open.push(openPipe(stdout, constants.O_WRONLY))
    open.push(openPipe(stderr, constants.O_WRONLY))
    const child = spawn(file, [], {
      cwd: directory,
      // node would add its own
      env: { ...environment, NODE_V8_COVERAGE: undefined },
      stdio: stdin === undefined ? ['ignore', ...open] : open,
      detached: true,
    })
    child.once('error', error => tell({ id, failure: failureOf(error) }))
    if (child.pid === undefined) return
    leaders.set(id, child.pid)
    groups.add(child.pid)
    child.once('exit', (_code, signal) => {
      const hasLeft = groups.leaderGone(child.pid!)
      if (!hasLeft) leaders.delete(id)
      tell({ id, ...(signal === null ? {} : { signal }), ...(hasLeft ? { hasLeft } : {}) })
    })
  } catch (error) {
    tell({ id, failure: failureOf(error as Error) })
  } finally {
    open.forEach(closeSync)
  }
}

/** Opens one end of a FIFO without waiting for the other; a worker that has gone is an error. For the program uv_spawn makes it wait again. */
function openPipe(path: string, flags: number): number {
  try {
    return openSync(path, flags | constants.O_NONBLOCK)
  } catch (error) {
    // not to be taken for a missing interpreter
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Error('its pipes are gone') : error
  }
}

/** The request is over: nothing of the group outlives it for long. */
function end(id: number): void {
  const pid = leaders.get(id)
  leaders.delete(id)
  if (pid !== undefined) groups.end(pid)
}

function makePipes(id: number, paths: readonly string[]): void {
  // the worker removes those that are used up
  for (const directory of directories) if (!existsSync(directory)) directories.delete(directory)
  for (const path of paths) directories.add(dirname(path))
  execFile('mkfifo', ['-m', '600', '--', ...paths], error =>
    tell(error === null ? { id } : { id, failure: failureOf(error) }),
  )
}

const failureOf = ({ message, code }: Error & { code?: unknown }): NonNullable<Ending['failure']> => ({
  code: typeof code === 'string' ? code : '',
  message,
})

function tell(told: Told): void {
  // a worker that has just gone needs no word
  if (process.connected) process.send!(told, () => {})
}

flushCompileCache()
