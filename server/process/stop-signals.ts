/** A terminal tells a Ctrl-C to every process, and parents pass it on: what comes within this time is the same signal. */
const SAME_MS = 500

/**
 * Calls `stop` at the first SIGTERM or SIGINT; who is told again means at once: the process ends with 1.
 * `now`: ms of a clock that only goes on.
 */
export function onStopSignal(stop: () => void, now: () => number = () => performance.now()): void {
  let toldAt: number | undefined
  const told = (): void => {
    if (toldAt === undefined) {
      toldAt = now()
      stop()
    } else if (now() - toldAt > SAME_MS) process.exit(1)
  }
  process.on('SIGTERM', told)
  process.on('SIGINT', told)
}
