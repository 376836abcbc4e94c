import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * Which process holds a lock: its number, when it began, which boot that was, and the PID namespace that the number is of, so that no
 * other process passes for it.
 */
export type LockOwner = string

/** True where /proc shows the processes by the numbers that we see: not where a new PID namespace still has the old one's /proc. */
const hasProc = read('/proc/self/stat')?.startsWith(`${process.pid} `) === true

/** This process. */
export const self: LockOwner = [process.pid, processOf(process.pid)?.start ?? 0, machine(), namespace()].join(' ')

/**
 * Whether the process is still there, as seen by `by`, a process of this machine; a stopped process lives. `unseen`: it is of another machine
 * or boot, or of another PID namespace such as a container's, or the text names none. Such a process is judged by its lease (`leases.ts`).
 */
export function stateOf(owner: LockOwner, by: LockOwner = self): 'lives' | 'dead' | 'unseen' {
  const [pid, start, ...place] = owner.split(' ')
  if (!/^\d+$/.test(pid!) || place.join(' ') !== by.split(' ').slice(2).join(' ')) return 'unseen'
  const found = processOf(Number(pid))
  // it may be hidden from us (proc(5), hidepid)
  if (found === undefined) return exists(Number(pid)) ? 'lives' : 'dead'
  return found.isZombie || found.start !== Number(start) ? 'dead' : 'lives'
}

/** The boot of this machine; its name where the system does not number its boots. */
function machine(): string {
  const boot = read('/proc/sys/kernel/random/boot_id') ?? `${process.platform}-${hostname()}`
  return boot.trim().replaceAll(/[^\w.-]/g, '-')
}

/** The number of pid_namespaces(7); 0 where there are none. */
function namespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'
  } catch {
    return '0'
  }
}

/** proc(5), stat: field 3, the state, and field 22, clock ticks from boot to its start. Undefined where nothing is known of it. */
function processOf(pid: number): { readonly isZombie: boolean; readonly start: number } | undefined {
  const fields = hasProc
    ? read(`/proc/${pid}/stat`)
        ?.replace(/^.*\) /s, '')
        .split(' ')
    : undefined
  return fields && { isZombie: /^[ZXx]$/.test(fields[0]!), start: Number(fields[19]) }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
