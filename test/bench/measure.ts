import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'

/** What is measured: a page of a server. */
export interface Loaded {
  readonly name: string
  readonly url: string
  readonly pid: number
  /** Each request brings one of these; absent: none. */
  readonly cookies?: readonly string[]
  /** An urlencoded form that is posted; absent: GET. */
  readonly form?: string
}

const children: ChildProcess[] = []

/** Starts what says its address when it is ready. */
export async function start(command: string, args: string[]): Promise<{ url: string; pid: number }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout!.on('data', chunk => {
      text += chunk
      const found = /http:\/\/[^\s]+/.exec(text)
      if (found !== null) resolve(found[0])
    })
    child.once('exit', code => reject(new Error(`${args[0]} ended with ${code}`)))
  })
  return { url, pid: child.pid! }
}

/** Ends all that was started. */
export async function stopAll(): Promise<void> {
  await Promise.all(
    children.splice(0).map(child => new Promise(gone => child.once('exit', gone) && child.kill('SIGTERM'))),
  )
}

/** CPU per request of a server, in microseconds of user and system time, and how many it answered a second. */
export async function load(
  { name, url, pid, cookies, form }: Loaded,
  seconds: number,
): Promise<{ cost: number; rate: number }> {
  const before = cpuMicroseconds(pid)
  const result = await autocannon({
    url,
    connections: 32,
    duration: seconds,
    ...(form === undefined
      ? {}
      : { method: 'POST', body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    ...(cookies === undefined ? {} : { requests: [{ setupRequest: request => withCookie(request, cookies) }] }),
  })
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${name}: ${failed} requests failed`)
  const requests = result.requests.total
  return { cost: (cpuMicroseconds(pid) - before) / requests, rate: requests / result.duration }
}

/** A visitor at random: a list of requests would send every connection to the same session at the same moment. */
function withCookie(request: autocannon.Request, cookies: readonly string[]): autocannon.Request {
  return { ...request, headers: { ...request.headers, cookie: cookies[Math.floor(Math.random() * cookies.length)]! } }
}

/** utime, stime, cutime and cstime of proc(5)'s stat, in clock ticks of 10 ms, with those of the processes that it has started. */
export function cpuMicroseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(child => child !== '')
  return children.reduce(
    (sum, child) => sum + cpuMicroseconds(Number(child)),
    [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]) * 10_000, 0),
  )
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
