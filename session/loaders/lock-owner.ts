import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Which process holds a lock: its number, when it began, which boot that was, and the PID namespace that the number is of, so that no
 * other process passes for it.
 */
export type LockOwner = string

const bootId = read('/proc/sys/kernel/random/boot_id')?.trim() ?? process.platform
const namespace = namespaceOf()

/** This process. */
export const self: LockOwner = `${process.pid} ${startOf(process.pid) ?? 0} ${bootId} ${namespace}`

/** A process of another namespace, such as a container's, that has taken and given back no lock for so long is taken for dead. */
const SILENCE_MS = 15_000

/**
 * True if the process is no more; one that was stopped lives. Proved, except for one of another PID namespace, which nobody here can see:
 * `silentMs` tells how long it has not been heard of. An owner of another boot or machine is dead.
 */
export function isDead(owner: LockOwner, silentMs: () => number): boolean {
  const [pid, start, boot, of = namespace] = owner.split(' ')
  if (pid === undefined || start === undefined || !/^\d+$/.test(pid)) return true
  if (boot !== bootId) return true
  if (of !== namespace) return silentMs() > SILENCE_MS
  if (process.platform !== 'linux') return !exists(Number(pid))
  return startOf(Number(pid)) !== Number(start)
}

/** The number of pid_namespaces(7); 0 where there are none. */
function namespaceOf(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'
  } catch {
    return '0'
  }
}

/** Clock ticks since boot (proc(5), stat, field 22); undefined where there is no such process, or but a zombie. */
function startOf(pid: number): number | undefined {
  const fields = read(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ')
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
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
