import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when `isSo` answers true, for what nothing tells of; rejects after 30 s. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 30_000; !(await isSo()); await sleep(10))
    if (performance.now() > end) throw new Error(`expected it to be so within 30 s: ${isSo}`)
}
