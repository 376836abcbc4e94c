import { printLines } from './print-lines.ts'
import { elsewhere, refuseForeign, type Stores } from './stores.ts'

/** `pso sessions purge`: what a server does every few minutes, now: removes the sessions that are over. */
export async function purgeSessions(stores: Stores, { json }: { readonly json?: boolean }): Promise<void> {
  let removed = 0
  await stores.each(async (loader, store) => {
    if (store.spec?.type === 'memory') throw elsewhere()
    refuseForeign(store)
    removed += await loader.purge(Date.now())
  })
  await printLines([
    json ? JSON.stringify({ removed }) : `${removed} ${removed === 1 ? 'session' : 'sessions'} removed`,
  ])
}
