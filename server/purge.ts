import { purgeLoaders } from '../session/index.ts'

const FIRST_MS = 60 * 1000
const EACH_MS = 5 * 60 * 1000

/** Removes sessions that are over, in the background, a minute after the start and then every five minutes. Returns what stops it. */
export function startPurge(now: () => number): () => void {
  let timer = setTimeout(run, FIRST_MS).unref()
  async function run(): Promise<void> {
    await purgeLoaders(now())
    timer = setTimeout(run, EACH_MS).unref()
  }
  return () => clearTimeout(timer)
}
