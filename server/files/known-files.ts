import { statSync } from 'node:fs'

const MOST = 1000

export type IsFile = (directory: string, name: string) => boolean

interface Looked {
  readonly at: number
  readonly isFile: boolean
}

/** Tells whether a directory has a file of a name; what was looked at is trusted for `recheckMs`. */
export function knownFiles(now: () => number, recheckMs: number): IsFile {
  // by directory, then by name: no path is put together where the answer is known
  const known = new Map<string, Map<string, Looked>>()
  return (directory, name) => {
    const time = now()
    let names = known.get(directory)
    const before = names?.get(name)
    if (before !== undefined && time >= before.at && time - before.at < recheckMs) return before.isFile
    const isFile = isFileOrRefused(`${directory}/${name}`)
    if (names === undefined) {
      if (known.size >= MOST) known.clear()
      known.set(directory, (names = new Map()))
    }
    names.set(name, { at: time, isFile })
    return isFile
  }
}

/** What cannot be looked at, such as a link to itself, is taken for a file: `locate.ts` refuses it, and says why. */
function isFileOrRefused(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch {
    return true
  }
}
