/** A terminal sends Ctrl-C to every process, and parents pass it on: what comes within this time is the same signal. */
const SAME_MS = 500

/**
 * Calls `stop` at the first SIGTERM or SIGINT; a second signal means at once: the process ends with 1. Returns what begins the same stop for
 * another reason.
 */
export function onStopSignal(stop: () => void): () => void {
  let since: number | undefined
  const begin = (): void => {
    if (since !== undefined) return
    since = performance.now()
    stop()
  }
  const told = (): void => {
    if (since !== undefined && performance.now() - since > SAME_MS) process.exit(1)
    begin()
  }
  process.on('SIGTERM', told)
  process.on('SIGINT', told)
  return begin
}
