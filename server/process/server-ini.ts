import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  DirectivesError,
  formatProblem,
  readServerConfig,
  type ServerConfig,
  type ServerConfigOptions,
} from '../../directives/index.ts'

/** The options of a command line that change the configuration. */
export interface ConfigArguments {
  readonly config?: string
  readonly root?: string
  readonly listen?: string
  readonly workers?: string
}

/** A configuration that cannot be used: the message is for people; the command ends with exit code 2. */
export class ConfigError extends Error {}

/**
 * Where the configuration comes from: `--config`, which must exist, else `conf/server.ini` if there is one, else the defaults;
 * the other arguments override its lines.
 */
export function configSource({ config, root, listen, workers }: ConfigArguments): ServerConfigOptions {
  const cwd = process.cwd()
  const file = resolve(cwd, config ?? 'conf/server.ini')
  const exists = existsSync(file)
  if (config !== undefined && !exists) throw new ConfigError(`${file}: there is no such file (--config)`)
  const overrides = new Map<string, string>()
  if (root !== undefined) overrides.set('DocumentRoot', root)
  if (listen !== undefined) overrides.set('Listen', listen)
  if (workers !== undefined) overrides.set('Workers', workers)
  return { ...(exists ? { file } : {}), overrides, environment: process.env, cwd }
}

/** Reads it; all errors of server.ini are in the message of a ConfigError, and so is a default document root that is missing. */
export function readConfig(source: ServerConfigOptions): ServerConfig {
  try {
    const config = readServerConfig(source)
    if (!statSync(config.documentRoot, { throwIfNoEntry: false })?.isDirectory())
      throw new ConfigError(`${config.documentRoot}: expected a directory to serve (DocumentRoot, --root)`)
    return config
  } catch (error) {
    if (error instanceof DirectivesError) throw new ConfigError(error.problems.map(formatProblem).join('\n'))
    throw error
  }
}
