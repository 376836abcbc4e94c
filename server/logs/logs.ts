import { join } from 'node:path'
import type { LogTarget, ServerConfig } from '../../directives/index.ts'
import { createErrorLog, type ErrorLog } from './error-log.ts'
import { createLogFile, type LogFile } from './log-file.ts'

/** The server's two logs, open for as long as it runs. */
export interface Logs {
  readonly access: LogFile
  readonly error: ErrorLog
  /** Goes on with new files, where a configuration says; a file that cannot be opened is said on the error log, or standard error. */
  reopen(config: ServerConfig): void
  close(): void
}

/** AccessLog defaults to `access.log` in the state directory, ErrorLog to standard error. Throws where a log cannot be opened. */
export function openLogs(config: ServerConfig, now: () => number): Logs {
  const access = createLogFile(accessTarget(config))
  const file = createLogFile(errorTarget(config), { immediate: true })
  const error = createErrorLog(file, config.directives.LogLevel, now)
  for (const [name, log] of [
    ['ErrorLog', file],
    ['AccessLog', access],
  ] as const) {
    const failure = log.open()
    if (failure !== undefined) throw new LogError(`${name}: ${failure.message}`)
  }
  return {
    access,
    error,
    reopen(next) {
      error.reopen(errorTarget(next), next.directives.LogLevel)
      access.reopen(accessTarget(next))
      for (const [name, log] of [
        ['ErrorLog', file],
        ['AccessLog', access],
      ] as const) {
        const message = log.open()?.message
        if (message === undefined) continue
        if (log === file) console.error(`pso: ${name}: ${message}`)
        else error.write('error', `${name}: ${message}`)
      }
    },
    close() {
      access.close()
      error.close()
    },
  }
}

/** A log that cannot be opened: a start ends with it. */
export class LogError extends Error {}

const accessTarget = ({ directives, stateDirectory }: ServerConfig): LogTarget =>
  directives.AccessLog ?? { type: 'file', path: join(stateDirectory, 'access.log') }

const errorTarget = ({ directives }: ServerConfig): LogTarget => directives.ErrorLog ?? { type: 'stderr' }
