import t from 'tap'
import { loseNoVisit } from '../support/lose-no-visit.ts'
import { stores } from '../support/stores.ts'

for (const [name, store] of Object.entries(stores))
  for (const [title, servers, workers] of [
    ['one server', [[]], 1],
    ['one server of two workers', [[]], 2],
    ['two servers', [[], []], 1],
  ] as const)
    for (const [handler, requests] of [
      ['a handler that awaits between reading and writing', 10_000],
      ['a handler that appends to an array', 5000],
    ] as const)
      t.test(`${title}, sessions in ${name}, ${handler}: ${requests} requests lose no visit`, { timeout: 300_000 }, t =>
        loseNoVisit(t, { store, servers, workers, handler, requests }),
      )
