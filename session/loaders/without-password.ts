/** A store's address as a log may hold it: without user, password and options. */
export function withoutPassword(address: string): string {
  const url = new URL(address)
  return `${url.protocol}//${url.host}${url.pathname}`
}
