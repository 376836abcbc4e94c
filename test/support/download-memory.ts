import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'

/** How a large answer may be made: each is a directory of the site. */
export const ways = ['static', 'sendfile', 'response', 'generator'] as const

/** Writes a site that answers with `bytes` bytes in each of the ways, and its server.ini, whose path is the value. */
export function plantDownloads(top: string, bytes: number): string {
  const put = (path: string, text: string): void => {
    mkdirSync(join(top, path, '..'), { recursive: true })
    writeFileSync(join(top, path), text)
  }
  const count = `const bytes = ${bytes}, piece = new Uint8Array(65536)\n`
  put('conf/server.ini', 'Listen = 127.0.0.1:0\n')
  put('public_html/static/index.html', '')
  // a hole: it takes no room on the disk
  truncateSync(join(top, 'public_html/static/index.html'), bytes)
  put(
    'public_html/sendfile/handler.ts',
    'export const handler = (req: any) => { req.sendfile("../static/index.html") }\n',
  )
  put(
    'public_html/response/handler.ts',
    `${count}export const handler = () => { let sent = 0; return new Response(new ReadableStream({ pull (to) { if (sent === bytes) return to.close(); sent += piece.length; to.enqueue(piece) } })) }\n`,
  )
  put(
    'public_html/generator/handler.ts',
    `${count}export function* handler () { for (let sent = 0; sent < bytes; sent += piece.length) yield piece }\n`,
  )
  for (const way of ways) put(`public_html/${way}/.psoaccess`, '')
  return join(top, 'conf/server.ini')
}

/** Downloads once in one way, and looks at the server's memory, in bytes, all the while; a small download goes before it. */
export async function downloadMemory(
  url: string,
  pid: number,
  way: (typeof ways)[number],
): Promise<{ idle: number; most: number; received: number }> {
  await download(`${url}${way}/`, 1)
  const idle = residentBytes(pid)
  let most = idle
  const watch = setInterval(() => (most = Math.max(most, residentBytes(pid))), 20)
  try {
    const received = await download(`${url}${way}/`, Number.POSITIVE_INFINITY)
    return { received, idle, most: Math.max(most, residentBytes(pid)) }
  } finally {
    clearInterval(watch)
  }
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

/** VmRSS of proc(5), of a process and its children. */
function residentBytes(pid: number): number {
  const own = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(child => child !== '')
  return children.reduce((sum, child) => sum + residentBytes(Number(child)), Number(own?.[1] ?? 0) * 1024)
}
