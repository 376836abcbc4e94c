/** What a store has to say to whoever runs the server: damage, an outage, a return. Never the data, an id or a password. */
export type Report = (message: string) => void

const listeners = new Set<Report>()

/** Where it is said: the log of each server of this process, since they share their stores. The function ends it. */
export function onReport(listener: Report): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export const report: Report = message => {
  for (const listener of listeners) listener(message)
}
