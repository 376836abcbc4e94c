import { Socket } from 'node:net'

/** How often an idle connection is probed, ms: a firewall forgets silent ones. */
const KEEP_ALIVE_MS = 30_000

/** The sockets of a pool of connections, so that all can be dropped at once: the pools themselves wait for what is under way. */
export class Sockets {
  readonly #open = new Set<Socket>()

  /** A new one, not connected yet. */
  make(): Socket {
    const socket = new Socket()
    this.#open.add(socket)
    return socket
      .setNoDelay()
      .setKeepAlive(true, KEEP_ALIVE_MS)
      .once('close', () => this.#open.delete(socket))
  }

  drop(): void {
    for (const socket of this.#open) socket.destroy()
  }
}
