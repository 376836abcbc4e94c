/** A terminal sends Ctrl-C to all processes of its group, and a parent passes it on to its children: so close together, it is one. */
const TOGETHER_MS = 500

/**
 * Calls `stop` at the first SIGTERM or SIGINT; another one later ends the process at once, with 1.
 * The function that it returns begins the same stop for another reason.
 */
export function onStop(stop: () => void): () => void {
  let since: number | undefined
  const begin = (): void => {
    if (since !== undefined) return
    since = performance.now()
    stop()
  }
  const obey = (): void => {
    if (since !== undefined && performance.now() - since > TOGETHER_MS) process.exit(1)
    begin()
  }
  process.on('SIGTERM', obey)
  process.on('SIGINT', obey)
  return begin
}
