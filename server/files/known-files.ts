import { statSync } from 'node:fs'

const MOST = 10_000

/** Tells whether there is a file at a path; what was looked at is trusted for `recheckMs`. */
export function knownFiles(now: () => number, recheckMs: number): (path: string) => boolean {
  const known = new Map<string, { readonly at: number; readonly isFile: boolean }>()
  return path => {
    const time = now()
    const before = known.get(path)
    if (before !== undefined && time >= before.at && time - before.at < recheckMs) return before.isFile
    const isFile = isFileOrRefused(path)
    if (known.size >= MOST) known.clear()
    known.set(path, { at: time, isFile })
    return isFile
  }
}

/** What cannot be looked at, a link to itself above all, is taken for a file: the gate refuses it, and says why. */
function isFileOrRefused(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch {
    return true
  }
}
