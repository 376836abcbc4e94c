/** Tells whoever runs the server about a store: damage, an outage, its return. Never the data, an id or a password. */
export type Report = (message: string) => void

const listeners = new Set<Report>()

/** `listener` hears the reports of all stores: each server of this process logs them, since they share their stores. Returns what ends it. */
export function onReport(listener: Report): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export const report: Report = message => {
  for (const listener of listeners) listener(message)
}
