import type { LogTarget } from '../../directives/index.ts'
import type { RequestState } from '../request-state.ts'
import { createLogFile, type LogFile } from './log-file.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

const rank: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

/** The server's error log: one line a message, in Apache's form. */
export interface ErrorLog {
  write(level: LogLevel, message: string, state?: RequestState): void
  /** A line of an author's own (`req.pso().log`), into the file that PSOLog names, or here where it names none. */
  writeTo(file: string | undefined, message: string, state: RequestState): void
  /** Goes on in new files, the server's own one at `target`. */
  reopen(target: LogTarget, threshold: LogLevel): void
  close(): void
}

export function createErrorLog(file: LogFile, level: LogLevel, now: () => number): ErrorLog {
  const own = new Map<string, LogFile>()
  let threshold = level
  return {
    write(level, message, state) {
      if (rank[level] <= rank[threshold]) file.write(errorLine(now(), level, message, state))
    },
    writeTo(path, message, state) {
      if (path === undefined) return file.write(errorLine(now(), 'info', message, state))
      let log = own.get(path)
      if (log === undefined) {
        log = createLogFile({ type: 'file', path }, { immediate: true })
        own.set(path, log)
      }
      log.write(`${new Date(now()).toISOString()} ${oneLine(message)}\n`)
    },
    reopen(target, next) {
      threshold = next
      file.reopen(target)
      for (const log of own.values()) log.reopen()
    },
    close() {
      file.close()
      for (const log of own.values()) log.close()
    },
  }
}

/** `[Mon Nov 23 02:09:39.081 2026] [error] [pid 7] [client 127.0.0.1:48066] MESSAGE`: ErrorLogFormat's default, times in GMT. */
function errorLine(now: number, level: LogLevel, message: string, state: RequestState | undefined): string {
  const [, day, date, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(now).toUTCString())!
  const when = `${day} ${month} ${date} ${time}.${String(now % 1000).padStart(3, '0')} ${year}`
  const client = state === undefined ? '' : ` [client ${state.clientAddress}:${state.raw.socket?.remotePort ?? 0}]`
  return `[${when}] [${level}] [pid ${process.pid}]${client} ${oneLine(message)}\n`
}

/** Control characters escaped, so that nothing a client sends can make a line of its own. */
const oneLine = (text: string): string =>
  text
    .replace(/\n\s*/g, ' | ')
    .replace(/[\x00-\x1f\x7f-\x9f]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
