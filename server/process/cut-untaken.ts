import type { Worker } from 'node:cluster'

/** Node's handle of a connection, as cluster hands it over. */
interface Connection {
  close(): void
}

interface InternalMessage {
  readonly cmd?: string
  readonly ack?: number
}

/**
 * Cuts the connections that a worker was given and did not take: their clients would wait for ever. Only the messages between primary and
 * worker tell which those are: `newconn` with a number, and that number as `ack` (lib/internal/cluster/round_robin_handle.js).
 *
 * A worker that died before it took them: cluster closes its own end only at that answer.
 * One that has no descriptor left for them: its process says NODE_HANDLE_NACK (lib/internal/child_process.js), of which cluster hears
 * nothing, and goes on waiting for its answer: that worker would never get another connection. So the answer is given here.
 */
export function cutUntaken(worker: Worker): void {
  const given = new Map<number, Connection>()
  const send = worker.process.send.bind(worker.process) as (...words: unknown[]) => boolean
  const noting = (message: { act?: string; seq?: number }, connection?: Connection, ...rest: unknown[]): boolean => {
    if (message.act === 'newconn' && connection !== undefined) given.set(message.seq!, connection)
    return send(message, connection, ...rest)
  }
  worker.process.send = noting as typeof worker.process.send
  worker.process.on('internalMessage', ({ cmd, ack }: InternalMessage) => {
    given.delete(ack!)
    // they are handed over one after another: it is the oldest
    const [lost] = cmd === 'NODE_HANDLE_NACK' ? given.keys() : []
    if (lost === undefined) return
    const answer = { cmd: 'NODE_CLUSTER', ack: lost, accepted: true }
    worker.process.emit('internalMessage' as 'message', answer, undefined)
  })
  worker.once('exit', () => {
    for (const connection of given.values()) connection.close()
  })
}
