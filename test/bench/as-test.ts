import type { Test } from 'tap'

/** What helpers ask of a test: when it is over, and a word for a package that is missing. `end`: it is over. */
export function asTest(): { readonly test: Test; end(): Promise<void> } {
  const ends: (() => unknown)[] = []
  const test = { teardown: (end: () => unknown) => ends.push(end), pass: console.log, fail: console.log }
  return {
    test: test as unknown as Test,
    async end() {
      for (const end of ends.splice(0)) await end()
    },
  }
}
