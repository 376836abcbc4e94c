import { join } from 'node:path'
import type { LogTarget, ServerConfig } from '../directives/index.ts'
import { createErrorLog, type ErrorLog } from './error-log.ts'
import { createLogFile, type LogFile } from './log-file.ts'

/** The server's two logs, open for as long as it runs; a reload reopens them. */
export interface Logs {
  readonly access: LogFile
  readonly error: ErrorLog
  reopen(config: ServerConfig): void
  close(): void
}

/** AccessLog defaults to `access.log` in the state directory, ErrorLog to standard error. */
export function openLogs(config: ServerConfig, now: () => number): Logs {
  const access = createLogFile(accessTarget(config))
  const error = createErrorLog(createLogFile(errorTarget(config), { immediate: true }), config.directives.LogLevel, now)
  return {
    access,
    error,
    reopen(next) {
      access.reopen(accessTarget(next))
      error.reopen(errorTarget(next), next.directives.LogLevel)
    },
    close() {
      access.close()
      error.close()
    },
  }
}

const accessTarget = ({ directives, stateDirectory }: ServerConfig): LogTarget =>
  directives.AccessLog ?? { type: 'file', path: join(stateDirectory, 'access.log') }

const errorTarget = ({ directives }: ServerConfig): LogTarget => directives.ErrorLog ?? { type: 'stderr' }
