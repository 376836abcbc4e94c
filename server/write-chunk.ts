import type { Writable } from 'node:stream'
import type { Outgoing } from './outgoing.ts'

/**
 * Writes one piece and resolves when the client keeps up; a client that has gone away ends the wait too, and one that takes nothing for
 * `timeoutMs` is cut off.
 */
export async function writeChunk(response: Outgoing, chunk: string | Uint8Array, timeoutMs: number): Promise<void> {
  if (response.destroyed || chunk.length === 0) return
  if (response.write(chunk)) return
  const stopWaiting = cutIfStuck(response, timeoutMs)
  await drained(response, response)
  stopWaiting?.()
}

/** Resolves when `stream` takes more, or when the response is over. */
export function drained(stream: Writable, response: Outgoing): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      stream.off('drain', end)
      response.off('close', end)
      resolve()
    }
    stream.on('drain', end)
    response.on('close', end)
  })
}

/**
 * Cuts the connection if it takes nothing of what is waiting for `timeoutMs` (0: never); node's timer of a socket begins again with each
 * byte that gets through. Costs nothing where nothing waits. Returns what ends the watch; a complete answer ends it too.
 */
export function cutIfStuck(response: Outgoing, timeoutMs: number): (() => void) | undefined {
  const { socket } = response
  // its own count: what is to be sent in chunks has not come to the socket yet. The answer to an inject() has no connection
  if (response.writableLength === 0 || socket?.setTimeout === undefined) return undefined
  socket.setTimeout(timeoutMs)
  return () => socket.setTimeout(0)
}
