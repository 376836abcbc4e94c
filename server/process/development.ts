import { availableParallelism } from 'node:os'
import type { ServerConfig } from '../../directives/index.ts'

interface ModeOptions {
  readonly dev?: boolean
  readonly production?: boolean
}

/** `--dev`, or standard output is a terminal and every address is loopback; else production (DESIGN 8). */
export const isDevelopment = (
  { dev, production }: ModeOptions,
  { directives }: ServerConfig,
  isTerminal: boolean = process.stdout.isTTY === true,
): boolean =>
  dev === true || (production !== true && isTerminal && directives.Listen.every(({ host }) => isLoopback(host)))

/** How many processes serve: what `Workers` says, else 1 in development and one a core in production. */
export const workersOf = ({ directives }: ServerConfig, development: boolean): number =>
  directives.Workers ?? (development ? 1 : availableParallelism())

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')
