import { once } from 'node:events'
import { ServerReturn } from '../api/server-return.ts'
import { DONE } from '../api/status.ts'
import type { RequestState } from '../request-state.ts'
import { drained } from '../write-chunk.ts'
import type { Program } from './program.ts'
import { ProgramFailure } from './program-failure.ts'

/** Sends what an nph- program writes as it is, head and all (RFC 3875 section 5), and closes the connection. */
export async function sendRaw(state: RequestState, program: Program): Promise<void> {
  const { output, raw, response, site } = state
  let chunk = await program.read()
  if (chunk === undefined) throw new ProgramFailure(`premature end of script headers: ${program.file}`)
  // the answer to an earlier request on the same connection may still be on its way
  if (response.socket === null && !raw.socket.destroyed)
    await Promise.race([once(response, 'socket'), once(raw.socket, 'close')])
  const { socket } = response
  if (socket === null) throw new ServerReturn(DONE, 'the client has gone away')
  output.flushed = true
  output.status = Number(/^HTTP\/\d\.\d (\d{3})/.exec(chunk.toString('latin1', 0, 12))?.[1] ?? 200)
  const timeoutMs = site.config.directives.Timeout * 1000
  for (; chunk !== undefined; chunk = await program.read()) {
    output.sentBytes += chunk.length
    if (socket.write(chunk) || state.closed) continue
    // a client that takes nothing is cut off; one that waits for a silent program is not
    socket.setTimeout(timeoutMs)
    await drained(socket, response)
    socket.setTimeout(0)
  }
  await program.finish()
  socket.destroySoon()
  if (!state.closed) await once(response, 'close')
}
