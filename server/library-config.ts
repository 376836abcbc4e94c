import type { DirectiveName, ServerConfig, ServerConfigOptions } from '../directives/index.ts'
import { configSource, readConfig } from './process/server-ini.ts'

/** What a program can set for a site that it serves, as the command line can. */
export interface LibraryOptions {
  /** A server.ini, which must exist; default: `conf/server.ini` of the working directory if there is one, else the defaults. */
  readonly config?: string
  /** The document root, in place of DocumentRoot; relative to the working directory. */
  readonly root?: string
  /** Every change is seen at once, and error pages say to clients on this machine what is wrong. */
  readonly development?: boolean
  /**
   * Lines that override those of server.ini: `{ Options: '+Indexes', PSOSessionIdle: 900, Header: ['set A 1', 'set B 2'] }`. A text is what
   * follows the `=`, a list is several lines; paths are relative to the working directory.
   */
  readonly directives?: { readonly [Name in DirectiveName]?: DirectiveText | readonly DirectiveText[] }
}

export type DirectiveText = string | number | boolean

/** Where the configuration of a program's site comes from. Throws a ConfigError for a `config` that is missing. */
export function librarySource(options: LibraryOptions & { readonly listen?: string }): ServerConfigOptions {
  const { directives = {}, config, root, listen } = options
  const source = configSource({
    ...(config === undefined ? {} : { config }),
    ...(root === undefined ? {} : { root }),
    ...(listen === undefined ? {} : { listen }),
  })
  const lines = Object.entries(directives).flatMap(([name, texts]) => [texts].flat().map(text => lineOf(name, text)))
  return { ...source, lines }
}

/** Reads it. Throws a ConfigError with every mistake. */
export const libraryConfig = (options: LibraryOptions): ServerConfig => readConfig(librarySource(options))

function lineOf(name: string, text: DirectiveText | undefined): string {
  const value = typeof text === 'boolean' ? (text ? 'on' : 'off') : String(text ?? '')
  if (/[\r\n]/.test(value))
    throw new TypeError(`expected one line for the directive ${name}, got ${JSON.stringify(value)}`)
  return `${name} = ${value}`
}
