import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** All files below a directory, relative to it; none where it is missing. */
export const filesBelow = (directory: string): string[] =>
  existsSync(directory)
    ? (readdirSync(directory, { recursive: true }) as string[]).filter(
        name => statSync(join(directory, name), { throwIfNoEntry: false })?.isFile() === true,
      )
    : []
