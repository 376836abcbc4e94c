import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when `isSo` answers true, for what nothing tells of; 10 s at most, to whether it did. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(10)) if (await isSo()) return true
  return false
}
