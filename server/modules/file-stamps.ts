import { statSync } from 'node:fs'

/** What the files of modules were like when they were last looked at. One table for all servers of the process, which share its modules. */
const stamps = new Map<string, string>()

/** Compares a file, or its absence, with what was there when this was last asked; the first time nothing has changed. */
export function hasChanged(file: string): boolean {
  const stamp = stampOf(file)
  const before = stamps.get(file)
  if (stamp === before) return false
  stamps.set(file, stamp)
  return before !== undefined
}

function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? 'missing' : `${stats.mtimeMs} ${stats.ctimeMs} ${stats.size} ${stats.ino}`
}
