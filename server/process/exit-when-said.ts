let failure: NodeJS.ErrnoException | undefined

/** From now on a failure of standard output is remembered and told at the end: `console.log` does not report it. */
export function heedOutput(): void {
  process.stdout.on('error', error => (failure ??= error))
}

/**
 * Ends the process when its output has been taken: a pipe holds 64 KiB, and node does not wait for the rest. A reader that has stopped, such
 * as `head`, has seen enough; any other failure since `heedOutput` is told, and makes the exit code 1.
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
