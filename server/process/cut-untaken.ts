import type { Worker } from 'node:cluster'

/** Node's handle of a connection, as cluster hands it over. */
interface Connection {
  close(): void
}

/**
 * Cuts the connections that a worker was given and did not take before it died. Node's cluster closes its own end of a connection when the
 * worker has answered that it took it; of one that dies before, the client would wait for ever. Only the messages between the two
 * tell which those are: `newconn` with a number, and that number as `ack` (lib/internal/cluster/round_robin_handle.js).
 */
export function cutUntaken(worker: Worker): void {
  const given = new Map<number, Connection>()
  const send = worker.process.send.bind(worker.process) as (...words: unknown[]) => boolean
  const noting = (message: { act?: string; seq?: number }, connection?: Connection, ...rest: unknown[]): boolean => {
    if (message.act === 'newconn' && connection !== undefined) given.set(message.seq!, connection)
    return send(message, connection, ...rest)
  }
  worker.process.send = noting as typeof worker.process.send
  worker.process.on('internalMessage', ({ ack }: { ack?: number }) => given.delete(ack!))
  worker.once('exit', () => {
    for (const connection of given.values()) connection.close()
  })
}
