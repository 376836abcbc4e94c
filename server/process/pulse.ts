/** What the watchdog's thread shares with its process: [how often the event loop was seen, 1 while a debugger is attached]. */
export type Pulse = Int32Array<SharedArrayBuffer>

/** How often the event loop is looked for, in ms. */
export const BEAT_MS = 1000

/** How much the thread of the event loop may compute, in ms of CPU time, between two of these. */
export const LIMIT_MS = 6000

/**
 * What the watchdog's thread calls in the midst of the code that it may be about to end, by its name in `globalThis`: remembers whose code it
 * is, and answers how long the thread of the event loop has computed since it was last seen, in ms of CPU time.
 */
export const WITNESS = '__psoWatchdogWitness'

/** Where code was that the thread has ended: the lines of a `stack`. */
export type Ended = string
