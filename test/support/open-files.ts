import { existsSync, readdirSync, readlinkSync } from 'node:fs'

/** The files below a directory that this process has open; none where the system does not tell (Linux: /proc). */
export function openBelow(directory: string): string[] {
  if (!existsSync('/proc/self/fd')) return []
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`)
      return file.startsWith(directory) ? [file] : []
    } catch {
      // the one that this was read by
      return []
    }
  })
}
