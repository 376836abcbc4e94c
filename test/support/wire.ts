import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection to a server, on which a request was sent as it is written. */
export function dial(url: string, request: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(request)
  return socket
}

/** The answer to a request as it is on the wire: a client would hide what is wrong with it. */
export async function wire(url: string, path = '/', method = 'GET', more = ''): Promise<string> {
  const socket = dial(url, `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`)
  let text = ''
  socket.on('data', chunk => (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  await once(socket, 'close')
  return text
}

/** The values of a header field, one for each line that has it. */
export const fields = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: (.*)\r$`, 'gim'))].map(([, value]) => value!)

export const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)
