import { lstatSync, mkdirSync } from 'node:fs'
import { SessionError } from '../session-error.ts'

/** Makes a directory for what nobody else may see, 0700, and those above it; a SessionError 'unusable-path' where that cannot be. */
export function makeOwnDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const stats = lstatSync(directory)
    const uid = process.getuid?.() ?? stats.uid
    if (!stats.isDirectory() && !stats.isSymbolicLink()) throw new Error('it is not a directory')
    if (stats.uid !== uid && uid !== 0) throw new Error(`it belongs to user ${stats.uid}`)
  } catch (cause) {
    throw unusable(directory, cause)
  }
}

/** Names the path, which the system's message may not. */
export const unusable = (path: string, cause: unknown): SessionError =>
  new SessionError('unusable-path', `${path} cannot hold sessions: ${(cause as Error).message}`, { cause })
