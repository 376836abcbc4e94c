let failure: NodeJS.ErrnoException | undefined

/** What standard output does not take from now on is told at the end: `console.log` says nothing of it. */
export function heedOutput(): void {
  process.stdout.on('error', error => (failure ??= error))
}

/**
 * Ends the process when what was said has been taken: a pipe holds 64 KiB, and node waits for no more. Who has stopped reading, as `head`,
 * ends it too, and has seen enough; any other failure of a standard output that is heeded is told, and makes the exit code 1.
 */
export async function exitWhenSaid(code = process.exitCode): Promise<never> {
  await taken(process.stdout)
  const hasFailed = failure !== undefined && failure.code !== 'EPIPE'
  if (hasFailed) console.error(`pso: standard output: ${failure!.message}`)
  await taken(process.stderr)
  return process.exit(hasFailed ? 1 : code)
}

const taken = (stream: NodeJS.WriteStream): Promise<unknown> =>
  new Promise(done => stream.once('error', done).write('', done as () => void))
