import { join } from 'node:path'
import type { Test } from 'tap'

/**
 * What an access file says to keep sessions in a store that several servers share and that outlives them; `directory` is for its files.
 * Undefined where the machine has no such store, and `t` has said so.
 */
export type Store = (t: Test, directory: string) => Promise<string | undefined>

export const stores: Readonly<Record<string, Store>> = {
  file: async (_, directory) => `PSOSessionFileLoader_Path = ${join(directory, 'sessions')}`,
  sqlite: async (_, directory) => `PSOSessionLoader = sqlite:${join(directory, 'sessions.db')}`,
}
