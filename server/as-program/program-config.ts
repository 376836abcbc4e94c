import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { directiveNamed, type ServerConfig, type ServerConfigOptions } from '../../directives/index.ts'
import { namesBelow } from '../files/hidden-names.ts'
import { realPathIfThere } from '../files/real-path-if-there.ts'
import { ConfigError, readConfig } from '../process/server-ini.ts'
import type { CgiEnvironment } from './cgi-environment.ts'

/** Where a program stands, and what configures it. */
export interface ProgramConfig {
  readonly config: ServerConfig
  /** The program's directory, at or below the document root. */
  readonly directory: string
}

/**
 * The configuration of a program: `PSO_CONFIG` names its server.ini, else it is the nearest `conf/server.ini` upwards from the directory
 * of `file` as that is named, links not resolved. The document root of a program outside of it is the program's own directory, and so it is
 * without a server.ini; the state is then in the system's temporary directory, as PSO's and PHP's is. Variables with the name of a `PSO`
 * directive count as that directive where it is not set. Throws a ConfigError.
 */
export function programConfig(file: string, environment: CgiEnvironment): ProgramConfig {
  const named = dirname(file)
  const ini = iniOf(named, environment)
  const read = (overrides: Readonly<Record<string, string>>): ServerConfig =>
    readConfig({
      ...(ini === undefined ? {} : { file: ini }),
      overrides: new Map(Object.entries(overrides)),
      variables: directivesIn(environment),
      environment,
      cwd: named,
    } satisfies ServerConfigOptions)
  if (ini !== undefined) {
    const config = read({})
    const directory = placeBelow(config.documentRoot, named)
    if (directory !== undefined) return { config, directory }
  }
  const config = read({ DocumentRoot: named, ...(ini === undefined ? { StateDirectory: ownState(named) } : {}) })
  return { config, directory: config.documentRoot }
}

function iniOf(directory: string, { PSO_CONFIG = '' }: CgiEnvironment): string | undefined {
  if (PSO_CONFIG !== '') {
    const file = resolve(PSO_CONFIG)
    if (!existsSync(file)) throw new ConfigError(`${file}: there is no such file (PSO_CONFIG)`)
    return file
  }
  for (let at = directory; ; at = dirname(at)) {
    const file = join(at, 'conf', 'server.ini')
    if (existsSync(file)) return file
    if (at === dirname(at)) return undefined
  }
}

const directivesIn = (environment: CgiEnvironment): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(environment).filter(
      ([name, value]) => /^PSO/i.test(name) && directiveNamed(name) !== undefined && !/[\x00-\x1f]/.test(value),
    ),
  )

/** A directory by its name below the document root, whose links are resolved; undefined where it is elsewhere. */
function placeBelow(root: string, directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (realPathIfThere(at) === root) return join(root, relative(at, directory))
    if (at === dirname(at)) break
  }
  const real = realPathIfThere(directory)
  return real !== undefined && namesBelow(real, root) !== undefined ? real : undefined
}

/** A directory for this user alone that no web server serves: its name begins with a dot where the program lies in the temporary directory. */
function ownState(directory: string): string {
  const temporary = tmpdir()
  const isServed = !relative(
    realPathIfThere(directory) ?? directory,
    realPathIfThere(temporary) ?? temporary,
  ).startsWith('..')
  return join(temporary, `${isServed ? '.' : ''}pso-${process.getuid?.() ?? 'user'}`)
}
