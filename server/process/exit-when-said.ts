/** Ends the process when what was said has been taken: a pipe holds 64 KiB, and node waits for no more. Who has stopped reading ends it too. */
export async function exitWhenSaid(code = process.exitCode): Promise<never> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      stream => new Promise(taken => stream.once('error', taken).write('', taken as () => void)),
    ),
  )
  return process.exit(code)
}
