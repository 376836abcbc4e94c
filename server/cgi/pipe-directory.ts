import { mkdtempSync } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processName, stateOfNamed } from '../process/process-name.ts'

/** Makes a directory for pipes of this process, which no other user can enter; its name tells whose it is. */
export const makePipeDirectory = (): string => mkdtempSync(join(tmpdir(), `pso-cgi-${processName}-`))

/** Removes the pipes that processes of this user left behind when they were killed together with their launchers. */
export async function sweepPipeDirectories(): Promise<void> {
  // without a directory for temporary files there are none
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const [, owner] = /^pso-cgi-(.+)-\w{6}$/.exec(name) ?? []
    if (owner === undefined || stateOfNamed(owner) !== 'dead') continue
    const path = join(tmpdir(), name)
    // all users can write there, and another worker may be at it too
    const stats = await lstat(path).catch(() => undefined)
    if (stats?.uid === process.getuid?.()) await rm(path, { recursive: true, force: true })
  }
}
