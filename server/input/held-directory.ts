import { closeSync, constants, existsSync, openSync, readlinkSync } from 'node:fs'
import { isAtLimits } from '../at-limits.ts'
import { realPathIfThere } from '../files/real-path-if-there.ts'

/** A directory that is held: what is put there is put into this very one, whatever another process puts in the place of its names. */
export interface HeldDirectory {
  /** The path that it had when it was taken hold of, links resolved. */
  readonly path: string
  /** Leads to it until it is let go of. */
  readonly here: string
  letGo(): void
}

/** Where Linux has the open files of a process; elsewhere a directory is known by its path alone. */
const FILES = '/proc/self/fd'
const hasFiles = existsSync(FILES)
/** Linux's O_PATH, which node does not name: a directory need not be readable to have files put into it. */
const O_PATH = 0o10000000

/** Undefined where there is no such directory; throws where there are no descriptors left. */
export function holdDirectory(path: string): HeldDirectory | undefined {
  if (!hasFiles) {
    const realPath = realPathIfThere(path)
    return realPath === undefined ? undefined : { path: realPath, here: realPath, letGo() {} }
  }
  let fd: number
  try {
    fd = openSync(path, O_PATH | constants.O_DIRECTORY)
  } catch (error) {
    if (isAtLimits(error as NodeJS.ErrnoException)) throw error
    return undefined
  }
  const here = `${FILES}/${fd}`
  return { path: readlinkSync(here), here, letGo: () => closeSync(fd) }
}
