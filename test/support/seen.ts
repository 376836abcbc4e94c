const shared = globalThis as { seen?: any[] }

/** Code for a handler that marks a value, which is an expression, as seen. */
export const marks = (value: string): string => `((globalThis as any).seen ??= []).push(${value})`

/** What has been marked since this was last asked. */
export const seen = (): any[] => (shared.seen ??= []).splice(0)

/** True where a value has been marked since then. */
export const isSeen = (value: unknown): boolean => shared.seen?.includes(value) === true

/** As `seen`, when what comes after an answer is through too: log functions and cleanups. */
export async function seenAtEnd(): Promise<any[]> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  return seen()
}
