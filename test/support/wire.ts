import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const PATIENCE_MS = 10_000

/** The head of a request, Host and an empty line included. */
export const head = (line: string, ...fields: string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: x', ...fields].join('\r\n')}\r\n\r\n`

/** A connection to a server, on which bytes were sent as they are. What comes of it, and how it ends, is for the caller to look at. */
export function dial(url: string, bytes: string | Uint8Array = '', { allowHalfOpen = false } = {}): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen })
  if (bytes.length > 0) socket.write(bytes)
  return socket
}

/** All that a server says to these bytes until the connection is over, however it ends, a character a byte; silent for 10 s, it is over. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<string> {
  const socket = dial(url, bytes)
  let text = ''
  socket.on('data', chunk => (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  socket.setTimeout(PATIENCE_MS, () => socket.destroy())
  await once(socket, 'close')
  return text
}

/** The answer to a request as it is on the wire: a client would hide what is wrong with it. */
export const wire = (url: string, path = '/', method = 'GET'): Promise<string> =>
  exchange(url, head(`${method} ${path}`, 'Connection: close'))

/** The values of a header field, one for each line that has it. */
export const fields = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: (.*)\r$`, 'gim'))].map(([, value]) => value!)

export const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)

/** A connection that says what it is told to, byte by byte, and whose other side may end before it does. */
export interface RawClient {
  readonly socket: Socket
  /** Resolves when the system has taken it; a connection that is gone takes all. */
  write(bytes: string | Uint8Array): Promise<void>
  /** What has come so far. */
  text(): string
  /** Resolves to what has come when it matches, when the connection is over, or after 10 s. */
  until(pattern: RegExp): Promise<string>
  /** Resolves to all that came when the connection is over, however it ended. */
  readonly ended: Promise<string>
  /** True where the server cut it: what had not been read by then may be lost. */
  wasReset(): boolean
}

/** Connects to a server's address. */
export async function rawClient(url: string): Promise<RawClient> {
  const socket = dial(url, '', { allowHalfOpen: true })
  let text = ''
  let isReset = false
  socket.on('data', chunk => (text += chunk.toString('latin1')))
  socket.on('error', error => (isReset ||= (error as NodeJS.ErrnoException).code === 'ECONNRESET'))
  const ended = new Promise<string>(resolve => {
    socket.once('end', () => resolve(text))
    socket.once('close', () => resolve(text))
  })
  await new Promise(resolve => socket.once('connect', resolve))
  return {
    socket,
    write: bytes => new Promise(resolve => socket.write(bytes, () => resolve())),
    text: () => text,
    until: pattern =>
      new Promise(resolve => {
        const stop = (): void => {
          socket.off('data', look)
          clearTimeout(timer)
          resolve(text)
        }
        const look = (): void => {
          if (pattern.test(text)) stop()
        }
        const timer = setTimeout(stop, PATIENCE_MS)
        socket.on('data', look)
        ended.then(stop)
        look()
      }),
    ended,
    wasReset: () => isReset,
  }
}
