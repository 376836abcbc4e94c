import { closeSync, readSync } from 'node:fs'
import { isAtLimits } from '../at-limits.ts'
import { openToRead } from '../files/open-to-read.ts'
import { Refusal } from '../refusal.ts'
import { ProgramFailure } from './program-failure.ts'

/** What a program that could not be run is answered with: 503 where the machine is at its limits, else a failure that says what is wrong. */
export function notStarted(
  file: string,
  error: { readonly code?: string | undefined; readonly message: string },
): ProgramFailure | Refusal {
  if (isAtLimits(error)) return new Refusal(503, `${file} could not be run: ${error.code}`)
  return new ProgramFailure(`${file} could not be run: ${reasonOf(file, error.code ?? '', error.message)}`)
}

function reasonOf(file: string, code: string, message: string): string {
  const first = firstLine(file)
  const interpreter = /^#! *([^\s]+)/.exec(first)?.[1]
  switch (code) {
    case 'EACCES':
      return `it may not be executed (chmod +x)${interpreter === undefined ? '' : `, or its interpreter ${interpreter} may not`}`
    case 'ENOEXEC':
      return 'it is no program of this machine, and its first line names no interpreter (#!/bin/sh)'
    case 'ENOENT':
      if (first.endsWith('\r'))
        return `its first line ends in a carriage return, which makes it a part of the interpreter's name: save it with the line ends of Unix`
      return interpreter === undefined
        ? 'there is no such file'
        : `there is no ${interpreter}, which its first line names`
    case 'ETXTBSY':
      return 'it is being written'
    default:
      return code === '' || message.includes(code) ? message : `${code}, ${message}`
  }
}

/**
 * Throws where a file is text without an interpreter line: execvp(3), unlike Apache, would have a shell run it. A file that cannot be read
 * may still be a program.
 */
export function refuseText(file: string): void {
  const begin = beginOf(file)
  if (begin !== undefined && !begin.startsWith('#!') && !begin.includes('\0'))
    throw new ProgramFailure(`${file} could not be run: ${reasonOf(file, 'ENOEXEC', '')}`)
}

const firstLine = (file: string): string => beginOf(file)?.split('\n', 1)[0] ?? ''

/** The first 256 bytes of a file; undefined where it cannot be read. */
function beginOf(file: string): string | undefined {
  try {
    const fd = openToRead(file)
    try {
      const bytes = Buffer.allocUnsafe(256)
      return bytes.toString('latin1', 0, readSync(fd, bytes))
    } finally {
      closeSync(fd)
    }
  } catch {
    return undefined
  }
}
