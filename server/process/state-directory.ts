import { lstatSync, mkdirSync, type Stats } from 'node:fs'

/** The state directory cannot be trusted or made: the start fails. */
export class StateDirectoryError extends Error {}

/** Makes the state directory with mode 0700 if it is missing; refuses one that another user owns or can write (DESIGN 8). */
export function prepareStateDirectory(path: string): void {
  let stats: Stats
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    stats = lstatSync(path)
  } catch (error) {
    throw new StateDirectoryError(
      `${path}: the state directory cannot be made: ${(error as Error).message} (StateDirectory)`,
    )
  }
  const uid = process.getuid?.()
  if (!stats.isDirectory())
    throw new StateDirectoryError(`${path}: expected a directory of the server's own (StateDirectory)`)
  if (uid !== undefined && stats.uid !== uid)
    throw new StateDirectoryError(
      `${path}: expected a directory of user ${uid}, it belongs to user ${stats.uid} (StateDirectory)`,
    )
  if ((stats.mode & 0o022) !== 0)
    throw new StateDirectoryError(
      `${path}: expected a directory that nobody else can write, its mode is ${(stats.mode & 0o777).toString(8)} (StateDirectory)`,
    )
}
