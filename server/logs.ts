import { join } from 'node:path'
import type { ServerConfig } from '../directives/index.ts'
import { createErrorLog, type ErrorLog } from './error-log.ts'
import { createLogFile, type LogFile } from './log-file.ts'

/** The server's two logs, open for as long as it runs; a reload reopens them. */
export interface Logs {
  readonly access: LogFile
  readonly error: ErrorLog
  reopen(): void
  close(): void
}

/** AccessLog defaults to `access.log` in the state directory, ErrorLog to standard error. */
export function openLogs({ directives, stateDirectory }: ServerConfig, now: () => number): Logs {
  const access = createLogFile(directives.AccessLog ?? { type: 'file', path: join(stateDirectory, 'access.log') })
  const error = createErrorLog(
    createLogFile(directives.ErrorLog ?? { type: 'stderr' }, { immediate: true }),
    directives.LogLevel,
    now,
  )
  return {
    access,
    error,
    reopen() {
      access.reopen()
      error.reopen()
    },
    close() {
      access.close()
      error.close()
    },
  }
}
