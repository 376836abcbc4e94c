import { execFileSync } from 'node:child_process'

/** All processes of this machine, as ps(1) tells of them; `rss` in KiB. */
function* all(): Generator<{ readonly pid: number; readonly parent: number; readonly rss: number }> {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' })
  for (const [, pid, parent, rss] of lines.matchAll(/(\d+) +(\d+) +(\d+)/g))
    yield { pid: Number(pid), parent: Number(parent), rss: Number(rss) }
}

export const childrenOf = (pid: number): number[] =>
  [...all()].filter(({ parent }) => parent === pid).map(child => child.pid)

/** True while it runs; one that has ended and was not waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' }).startsWith('Z')
  } catch {
    return false
  }
}

/** The resident memory of a process and all that it has started, in MiB. */
export function residentMiB(pid: number): number {
  const processes = [...all()]
  const sizeOf = (of: number): number =>
    processes.reduce((sum, { pid, parent, rss }) => sum + (pid === of ? rss : 0) + (parent === of ? sizeOf(pid) : 0), 0)
  return sizeOf(pid) / 1024
}

/** The most resident memory that a process had while `run` ran, looked at often, and in each quarter of that time, in MiB. */
export async function peakWhile<Value>(
  pid: number,
  run: () => Promise<Value>,
): Promise<{ value: Value; peak: number; quarters: readonly number[] }> {
  const seen: number[] = []
  const look = (): void => void seen.push(residentMiB(pid))
  const timer = setInterval(look, 50)
  try {
    const value = await run()
    look()
    const quarters = [0, 1, 2, 3].map(at =>
      Math.max(...seen.slice((seen.length * at) / 4, Math.ceil((seen.length * (at + 1)) / 4))),
    )
    return { value, peak: Math.max(...quarters), quarters }
  } finally {
    clearInterval(timer)
  }
}
