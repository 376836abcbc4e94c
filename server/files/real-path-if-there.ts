import { realpathSync } from 'node:fs'

/** A path as the file system spells it, its links resolved; undefined where nothing is there that can be looked at. */
export function realPathIfThere(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined
  }
}
