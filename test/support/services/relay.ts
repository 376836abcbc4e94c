import { once } from 'node:events'
import { createServer, connect as openSocket, type Socket } from 'node:net'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'

/** A way to a server that can fail while the server is well. */
export interface Relay {
  readonly port: number
  /** The server's URL, by this way. */
  url(direct: string): string
  /** Whoever is connected is cut off, whoever comes is refused. */
  refuse(): Promise<void>
  /** Connections stand and are accepted, and what either side says from now on is lost, its end too. */
  blackHole(): Promise<void>
  /** The way is free. Connections that lost something in a black hole are cut off. */
  resume(): Promise<void>
}

/** A relay from a free loopback port to `to`, a port of 127.0.0.1; closed when the test ends. */
export async function relayTo(t: Test, to: number): Promise<Relay> {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let isHole = false

  const listener = createServer(client => {
    keep(client)
    if (isHole) return void client.resume()
    const server = keep(openSocket(to, '127.0.0.1'))
    passOn(client, server)
    passOn(server, client)
  })
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket
      .setNoDelay()
      .on('error', () => {})
      .once('close', () => sockets.delete(socket))
  }
  const passOn = (from: Socket, target: Socket): void => {
    from.on('data', chunk => isHole || target.write(chunk))
    from.once('close', () => isHole || target.destroy())
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const listen = async (): Promise<void> => {
    if (listener.listening) return
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
  }
  const close = async (): Promise<void> => {
    cut()
    if (!listener.listening) return
    // only after the last connection is it closed
    listener.close()
    await once(listener, 'close')
  }

  await listen()
  t.teardown(close)
  return {
    port,
    url(direct) {
      const url = new URL(direct)
      url.port = `${port}`
      return url.href
    },
    async refuse() {
      await close()
      isHole = false
    },
    async blackHole() {
      isHole = true
      await listen()
    },
    async resume() {
      if (isHole) cut()
      isHole = false
      await listen()
    },
  }
}
