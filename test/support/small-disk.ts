import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A directory that is a file system of its own, until the test ends; undefined where mounting takes a right that this user has not, and `t` has said so. */
export function smallDisk(t: Test, bytes: number): { directory: string; fill(): string } | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'pso-disk-'))
  t.teardown(() => {
    spawnSync('umount', ['--lazy', directory])
    rmdirSync(directory)
  })
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory]).status !== 0) {
    t.pass('no small disk', { skip: 'mount takes a right that this user has not' })
    return undefined
  }
  return {
    directory,
    /** Takes all room that is left; the file that has it. */
    fill() {
      const file = join(directory, 'fill')
      const fd = openSync(file, 'w')
      try {
        for (let size = 65_536; size >= 1; ) {
          try {
            writeSync(fd, Buffer.alloc(size))
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
            size = Math.floor(size / 2)
          }
        }
      } finally {
        closeSync(fd)
      }
      return file
    },
  }
}
