import t from 'tap'
import { stores } from '../support/stores.ts'
import { surviveKills } from '../support/survive-kills.ts'

for (const [name, store] of Object.entries(stores))
  t.test(`sessions in ${name}: 20 times kill -9 in the middle of 500 writes loses nothing that was told`, t =>
    // on one machine a holder's death is seen; a remote store waits for the lease
    surviveKills(t, { store, kills: 20, freeWithinMs: ['file', 'sqlite'].includes(name) ? 2000 : 10_500 }),
  )
