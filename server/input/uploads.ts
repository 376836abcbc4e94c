import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { open, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { processName, stateOfNamed } from '../process/process-name.ts'

/** How long what another machine left behind, or this one before it was rebooted, may still be in use. */
const UNSEEN_MS = 24 * 60 * 60 * 1000

const KEPT = 'kept'

/** A new name in a directory of `uploads`. */
const pathIn = (stateDirectory: string, directory: string): string =>
  join(stateDirectory, 'uploads', directory, randomBytes(16).toString('base64url'))

const makeDirectoryOf = (path: string): unknown => mkdirSync(dirname(path), { recursive: true, mode: 0o700 })

/** Where a file goes that is to outlive its request. */
export function keptPath(stateDirectory: string): string {
  const path = pathIn(stateDirectory, KEPT)
  makeDirectoryOf(path)
  return path
}

/** Writes a stream into a new file of this process's; `done` settles when the file is closed again, whatever came of it. */
export function storeUpload(
  stateDirectory: string,
  stream: Readable,
): { readonly path: string; readonly done: Promise<void> } {
  const path = pathIn(stateDirectory, processName)
  return { path, done: store(path, stream) }
}

async function store(path: string, stream: Readable): Promise<void> {
  makeDirectoryOf(path)
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(stream)
  } finally {
    await file.close()
  }
}

/**
 * Removes the uploads that dead processes left behind. Whether a process of another machine that shares the state directory is dead, or one
 * from before a reboot, cannot be seen: its files go when nothing has been written to them for a day. `now`: ms since the epoch.
 */
export async function sweepUploads(stateDirectory: string, now: number): Promise<void> {
  const top = join(stateDirectory, 'uploads')
  for (const name of await namesIn(top)) {
    if (name === KEPT) continue
    const state = stateOfNamed(name)
    if (state === 'dead') await rm(join(top, name), { recursive: true, force: true })
    else if (state === 'unseen') await removeOld(join(top, name), now)
  }
}

async function removeOld(directory: string, now: number): Promise<void> {
  for (const name of await namesIn(directory)) {
    const path = join(directory, name)
    const { mtimeMs } = await stat(path)
    if (now - mtimeMs > UNSEEN_MS) await rm(path, { force: true })
  }
  // one that is not empty stays
  await rmdir(directory).catch(() => {})
}

/** None where there is no directory: nothing was ever uploaded, or another process has removed it. */
const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => [])
