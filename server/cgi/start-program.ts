import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readSync } from 'node:fs'
import { Refusal } from '../refusal.ts'
import { ProgramFailure } from './program-failure.ts'

interface Start {
  /** Absolute. */
  readonly file: string
  readonly directory: string
  /** All that the program's environment has. */
  readonly environment: Readonly<Record<string, string>>
  /** False: its standard input is empty. */
  readonly hasBody: boolean
}

/**
 * Runs a file without arguments, whatever the query says (RFC 3875 4.4 would make some of it arguments), at the head of a process group of
 * its own. Throws a ProgramFailure that says why it cannot be run, or a Refusal (503) where the machine is at its limits.
 */
export async function startProgram({ file, directory, environment, hasBody }: Start): Promise<ChildProcess> {
  let failure: unknown
  try {
    const child = spawn(file, [], {
      cwd: directory,
      // node would add its own
      env: { ...environment, NODE_V8_COVERAGE: undefined },
      stdio: [hasBody ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      detached: true,
    })
    if (child.pid !== undefined) return child
    ;[failure] = await once(child, 'error')
  } catch (error) {
    failure = error
  }
  throw notStarted(file, failure as NodeJS.ErrnoException)
}

const atLimits = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'])

function notStarted(file: string, error: NodeJS.ErrnoException): ProgramFailure | Refusal {
  const { code = '' } = error
  if (atLimits.has(code)) return new Refusal(503, `${file} could not be run: ${code}`)
  return new ProgramFailure(`${file} could not be run: ${reasonOf(file, error)}`, 500, { cause: error })
}

function reasonOf(file: string, { code = '', message }: NodeJS.ErrnoException): string {
  const first = firstLine(file)
  const interpreter = /^#! *([^\s]+)/.exec(first)?.[1]
  switch (code) {
    case 'EACCES':
      return `it may not be executed (chmod +x)${interpreter === undefined ? '' : `, or its interpreter ${interpreter} may not`}`
    case 'ENOEXEC':
      return 'it is no program of this machine, and its first line names no interpreter (#!/bin/sh)'
    case 'ENOENT':
      if (first.endsWith('\r'))
        return `its first line ends in a carriage return, and there is no ${JSON.stringify(`${interpreter}\r`)}: save it with the line ends of Unix`
      return interpreter === undefined
        ? 'there is no such file'
        : `there is no ${interpreter}, which its first line names`
    case 'ETXTBSY':
      return 'it is being written'
    default:
      return code || message
  }
}

/** '' where it cannot be read. */
function firstLine(file: string): string {
  try {
    const fd = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(256)
      const line = bytes.toString('latin1', 0, readSync(fd, bytes))
      return line.slice(0, line.indexOf('\n') === -1 ? line.length : line.indexOf('\n'))
    } finally {
      closeSync(fd)
    }
  } catch {
    return ''
  }
}
