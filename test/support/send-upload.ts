import { multipartEnd, multipartType, partHead } from './multipart.ts'
import { dial, head } from './wire.ts'

const CHUNK = Buffer.alloc(256 * 1024, 'upload')

/** Posts a form with one file of `size` bytes, no faster than it is taken; resolves to all that came back. */
export function sendUpload(url: string, size: number): Promise<string> {
  const { pathname } = new URL(url)
  const before = partHead({ name: 'up', filename: 'large.bin', type: 'application/octet-stream' })
  const after = `\r\n${multipartEnd}`
  const length = before.length + size + after.length
  return new Promise(resolve => {
    const socket = dial(url)
    let answer = ''
    let left = size
    const sendOn = (): void => {
      while (left > 0) {
        const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
        left -= chunk.length
        if (!socket.write(chunk)) return
      }
      socket.off('drain', sendOn)
      socket.write(after)
    }
    socket.on('data', chunk => (answer += chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.on('drain', sendOn)
    socket.write(
      head(`POST ${pathname}`, `Content-Type: ${multipartType}`, `Content-Length: ${length}`, 'Connection: close'),
    )
    socket.write(before)
    sendOn()
  })
}
