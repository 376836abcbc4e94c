import { readFileSync } from 'node:fs'

/** Which process holds a lock: its number, when it began and which boot that was, so that no later process passes for it. */
export type LockOwner = string

const bootId = read('/proc/sys/kernel/random/boot_id')?.trim() ?? process.platform

/** This process. */
export const self: LockOwner = `${process.pid} ${startOf(process.pid) ?? 0} ${bootId}`

/** True only if it is proved that the process is no more; one that was stopped lives. An owner of another boot or machine is dead. */
export function isDead(owner: LockOwner): boolean {
  const [pid, start, boot] = owner.split(' ')
  if (pid === undefined || start === undefined || !/^\d+$/.test(pid)) return true
  if (boot !== bootId) return true
  if (process.platform !== 'linux') return !exists(Number(pid))
  return startOf(Number(pid)) !== Number(start)
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
