import { closeLoaders, onReport } from '../../session/index.ts'
import { ConfigError } from '../process/server-ini.ts'
import { type ExpireArguments, expireSessions } from './sessions/expire-sessions.ts'
import { listSessions } from './sessions/list-sessions.ts'
import { purgeSessions } from './sessions/purge-sessions.ts'
import { showSession } from './sessions/show-session.ts'
import { type StoreArguments, type Stores, storesOf } from './sessions/stores.ts'
import { UsageError } from './usage-error.ts'

export type SessionsArguments = StoreArguments & ExpireArguments

interface Action {
  /** The options that it takes, besides those that say which stores. */
  readonly options: readonly (keyof SessionsArguments)[]
  /** How many words it takes at most. */
  readonly words: number
  run(stores: Stores, words: readonly string[], options: SessionsArguments): Promise<void>
}

const filters = ['service', 'label', 'older', 'idle', 'all'] as const

/** What `pso sessions` does, by its first word. */
export const sessionsActions: Readonly<Record<string, Action>> = {
  list: { options: [...filters, 'json'], words: 0, run: (stores, _words, options) => listSessions(stores, options) },
  show: {
    options: ['json'],
    words: 1,
    run(stores, [word], options) {
      if (word === undefined) throw new UsageError('expected the KEY of a session: pso sessions show KEY')
      return showSession(stores, word, options)
    },
  },
  expire: { options: [...filters, 'json'], words: Number.POSITIVE_INFINITY, run: expireSessions },
  purge: { options: ['json'], words: 0, run: (stores, _words, options) => purgeSessions(stores, options) },
}

/** `pso sessions`: 1 where a session is not there or a store cannot be reached; what is wrong with the command or server.ini is 2. */
export async function runSessions(
  { run }: Action,
  words: readonly string[],
  options: SessionsArguments,
): Promise<number> {
  onReport(message => console.error(message))
  try {
    const stores = await storesOf(options)
    await run(stores, words, options)
    return stores.exitCode()
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message)
    throw error
  } finally {
    await closeLoaders()
  }
}
