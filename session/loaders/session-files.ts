import { opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** The file of a session in a directory of them: one of 256 subdirectories, by the first two digits of its `sessionKey`. */
export const sessionFile = (directory: string, key: string): string => `${directory}/${key.slice(0, 2)}/${key.slice(2)}`

/** The key of the session that a `sessionFile` is of. */
export const keyOfFile = (path: string): string => path.slice(-65).replace('/', '')

/** The files of a directory whose keys begin with `keyPrefix`, also those set aside as damaged; an ENOENT where there is no directory. */
export async function* sessionFiles(directory: string, keyPrefix = ''): AsyncGenerator<string> {
  for await (const shelf of await opendir(directory)) {
    if (!shelf.isDirectory() || !/^[0-9a-f]{2}$/.test(shelf.name) || !agree(shelf.name, keyPrefix)) continue
    for await (const entry of await opendir(join(directory, shelf.name)))
      if (entry.isFile() && fileName.test(entry.name) && agree(shelf.name + entry.name, keyPrefix))
        yield join(directory, shelf.name, entry.name)
  }
}

const fileName = /^[0-9a-f]{62}(?:\.damaged)?$/

/** True where one begins with the other. */
const agree = (name: string, prefix: string): boolean => name.startsWith(prefix) || prefix.startsWith(name)
