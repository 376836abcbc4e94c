import { join } from 'node:path'
import type { LogTarget, ServerConfig } from '../../directives/index.ts'
import { createErrorLog, type ErrorLog } from './error-log.ts'
import { createLogFile, type LogFile } from './log-file.ts'

/** The server's two logs, open for as long as it runs. */
export interface Logs {
  readonly access: LogFile
  readonly error: ErrorLog
  /** Goes on in new files, those of `config`; one that cannot be opened is reported in the error log, or on standard error. */
  reopen(config: ServerConfig): void
  close(): void
}

/** AccessLog defaults to `access.log` in the state directory, ErrorLog to standard error. Throws where a log cannot be opened. */
export function openLogs(config: ServerConfig, now: () => number): Logs {
  const access = createLogFile(accessTarget(config))
  const file = createLogFile(errorTarget(config), { immediate: true })
  const error = createErrorLog(file, config.directives.LogLevel, now)
  const failureOf = (name: 'ErrorLog' | 'AccessLog', log: LogFile): string | undefined => {
    const failure = log.open()
    return failure && `${name}: ${failure.message}`
  }
  const failure = failureOf('ErrorLog', file) ?? failureOf('AccessLog', access)
  if (failure !== undefined) throw new LogError(failure)
  return {
    access,
    error,
    reopen(next) {
      error.reopen(errorTarget(next), next.directives.LogLevel)
      access.reopen(accessTarget(next))
      const noError = failureOf('ErrorLog', file)
      if (noError !== undefined) console.error(`pso: ${noError}`)
      const noAccess = failureOf('AccessLog', access)
      if (noAccess !== undefined) error.write('error', noAccess)
    },
    close() {
      access.close()
      error.close()
    },
  }
}

/** A log cannot be opened: the start fails. */
export class LogError extends Error {}

const accessTarget = ({ directives, stateDirectory }: ServerConfig): LogTarget =>
  directives.AccessLog ?? { type: 'file', path: join(stateDirectory, 'access.log') }

const errorTarget = ({ directives }: ServerConfig): LogTarget => directives.ErrorLog ?? { type: 'stderr' }
