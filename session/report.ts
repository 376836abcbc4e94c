/** What a store has to say to whoever runs the server: damage, an outage, a return. Never the data, an id or a password. */
export type Report = (message: string) => void

let current: Report = () => {}

/** Where it is said: the server's log. */
export function onReport(report: Report): void {
  current = report
}

export const report: Report = message => current(message)
