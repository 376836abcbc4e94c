import { appendFileSync, constants, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { LogTarget } from '../../directives/index.ts'
import type { RequestState } from '../request-state.ts'
import type { LogFile } from './log-file.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

const rank: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

/** The server's error log: one line a message, in Apache's form. */
export interface ErrorLog {
  write(level: LogLevel, message: string, state?: RequestState): void
  /**
   * An author's own line (`req.pso().log`), into the file that PSOLog names, or here if it names none or the file cannot be written. The file
   * is opened for each line and written in one piece: a rotation need not tell the server, and lines of several workers stay whole.
   */
  writeTo(file: string | undefined, message: string, state: RequestState): void
  /** Goes on in new files, the server's own one at `target`. */
  reopen(target: LogTarget, threshold: LogLevel): void
  close(): void
}

export function createErrorLog(file: LogFile, level: LogLevel, now: () => number): ErrorLog {
  let threshold = level
  return {
    write(level, message, state) {
      if (rank[level] <= rank[threshold]) file.write(errorLine(now(), level, message, state))
    },
    writeTo(path, message, state) {
      if (path === undefined) return file.write(errorLine(now(), 'info', message, state))
      try {
        append(path, `${new Date(now()).toISOString()} [${state.logId}] ${oneLine(message)}\n`)
      } catch (error) {
        file.write(errorLine(now(), 'error', `PSOLog: ${(error as Error).message}; the line was: ${message}`, state))
      }
    },
    reopen(target, next) {
      threshold = next
      file.reopen(target)
    },
    close() {
      file.close()
    },
  }
}

/** Makes the directories above it where they are missing, for the server's user alone. */
function append(path: string, line: string): void {
  // not to wait for a reader, if it is a pipe
  const flag = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK
  const write = (): void => appendFileSync(path, line, { flag: flag as unknown as string, mode: 0o640 })
  try {
    write()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    write()
  }
}

/**
 * `[Mon Nov 23 02:09:39.081 2026] [error] [pid 7] [client 127.0.0.1:48066] [id bV4j0W2kQnWbXb5x] MESSAGE`: Apache's default, times in GMT,
 * with the request's log id, which the access log has as `%L`.
 */
function errorLine(now: number, level: LogLevel, message: string, state: RequestState | undefined): string {
  const [, day, date, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(now).toUTCString())!
  const when = `${day} ${month} ${date} ${time}.${String(now % 1000).padStart(3, '0')} ${year}`
  const client =
    state === undefined
      ? ''
      : ` [client ${state.clientAddress}:${state.raw.socket?.remotePort ?? 0}] [id ${state.logId}]`
  return `[${when}] [${level}] [pid ${process.pid}]${client} ${oneLine(message)}\n`
}

/** Control characters escaped, so that nothing a client sends can make a line of its own. */
const oneLine = (text: string): string =>
  text
    .replace(/\n\s*/g, ' | ')
    .replace(/[\x00-\x1f\x7f-\x9f]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
