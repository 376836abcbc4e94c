import { truncateSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { peakWhile, residentMiB } from './processes.ts'
import { plant } from './site.ts'

/** How a large answer may be made: each is a directory of the site. */
export const ways = ['static', 'sendfile', 'response', 'generator'] as const

/** Writes a site that answers with `bytes` bytes in each of the ways, and its server.ini, whose path is the value. */
export function plantDownloads(top: string, bytes: number): string {
  const count = `const bytes = ${bytes}, piece = new Uint8Array(65536)\n`
  plant(top, {
    conf: { 'server.ini': 'Listen = 127.0.0.1:0\n' },
    public_html: {
      static: { '.psoaccess': '', 'index.html': '' },
      sendfile: {
        '.psoaccess': '',
        'handler.ts': 'export const handler = (req: any) => { req.sendfile("../static/index.html") }\n',
      },
      response: {
        '.psoaccess': '',
        'handler.ts': `${count}export const handler = () => { let sent = 0; return new Response(new ReadableStream({ pull (to) { if (sent === bytes) return to.close(); sent += piece.length; to.enqueue(piece) } })) }\n`,
      },
      generator: {
        '.psoaccess': '',
        'handler.ts': `${count}export function* handler () { for (let sent = 0; sent < bytes; sent += piece.length) yield piece }\n`,
      },
    },
  })
  // a hole: it takes no room on the disk
  truncateSync(join(top, 'public_html/static/index.html'), bytes)
  return join(top, 'conf/server.ini')
}

/** Downloads once in one way, and looks at the server's memory, in MiB, all the while; a small download goes before it. */
export async function downloadMemory(
  url: string,
  pid: number,
  way: (typeof ways)[number],
): Promise<{ idle: number; peak: number; quarters: readonly number[]; received: number }> {
  await download(`${url}${way}/`, 1)
  const idle = residentMiB(pid)
  const { value: received, ...memory } = await peakWhile(pid, () => download(`${url}${way}/`, Number.POSITIVE_INFINITY))
  return { received, idle, ...memory }
}

/** Resolves to how many bytes came; the connection is cut after `enough` of them. */
function download(url: string, enough: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = 0
    get(url, { agent: false }, response => {
      response.on('data', (chunk: Buffer) => {
        received += chunk.length
        if (received >= enough) response.destroy()
      })
      response.on('close', () => resolve(received))
    }).on('error', reject)
  })
}
