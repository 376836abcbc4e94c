import { InternalRedirect } from '../api/internal-redirect.ts'
import { asciiUrl } from '../ascii-url.ts'
import { redirectPage } from '../redirect-page.ts'
import type { RequestState } from '../request-state.ts'
import { flush } from '../send-response.ts'
import type { Program } from './program.ts'
import { ProgramFailure } from './program-failure.ts'
import { ProgramHead } from './program-head.ts'

/** If a program ends within so many ms of its head, and has written no more than this, its answer is sent whole, with its length. */
const TOGETHER_MS = 5
const TOGETHER_BYTES = 64 * 1024

/**
 * Sends what a program answers, each piece as it comes. Its status stands, even from 400 on: no error document takes its place. A Location
 * without a status redirects: to a path inside (an InternalRedirect), to a URL with 302.
 */
export async function sendAnswer(state: RequestState, program: Program): Promise<void> {
  const { output, response } = state
  const { head, rest } = await readHead(program)
  const location = head.get('location')
  output.status = head.status?.code ?? output.status
  const redirects = location !== undefined && output.status === 200
  takeFields(state, head, redirects)
  if (redirects) {
    // the program ends before the client, or the redirect inside, goes on
    while ((await program.read()) !== undefined);
    await program.finish()
    return redirect(state, location)
  }
  output.isFile = true
  const bodiless = output.status === 204 || output.status === 304
  if (bodiless) output.headers.delete('content-length')
  if (head.status !== undefined && isReason(head.status.reason)) response.statusMessage = head.status.reason
  const { chunks, hasEnded } = await program.readFor(TOGETHER_MS, TOGETHER_BYTES)
  const begun = Buffer.concat([rest, ...chunks])
  if (hasEnded) {
    await program.finish()
    return bodiless ? undefined : writeWhole(state, program, begun)
  }
  for (let chunk: Buffer | undefined = begun; chunk !== undefined; chunk = await program.read()) {
    if (!bodiless) output.write(chunk)
    await flush(state)
  }
  await program.finish()
}

function writeWhole({ output, method }: RequestState, { file }: Program, body: Buffer): void {
  const promised = output.headers.get('content-length')
  if (method !== 'HEAD' && promised !== undefined && Number(promised) !== body.length)
    throw new ProgramFailure(`${file} promised a Content-Length of ${promised}, and gave ${body.length} bytes`)
  // to HEAD a program may give no body, and that has no length then
  const length = method === 'HEAD' ? promised : String(body.length)
  if (length !== undefined) output.prepared = ['Content-Length', length]
  output.write(body)
}

async function readHead(program: Program): Promise<{ head: ProgramHead; rest: Buffer }> {
  const head = new ProgramHead(program.file)
  for (;;) {
    const chunk = await program.read()
    if (chunk === undefined) {
      const signal = await program.signal()
      const how = signal === undefined ? '' : `: it was ended by ${signal}`
      throw new ProgramFailure(`premature end of script headers: ${program.file}${how}`)
    }
    const rest = head.push(chunk)
    if (rest !== undefined) return { head, rest }
  }
}

/** An answer has only one of each of these: the program's replaces what phases set. */
const single = new Set(['content-type', 'content-length', 'content-range', 'etag', 'last-modified', 'location'])

/** Where the program redirects, headers about its own body are dropped. */
function takeFields({ output: { headers } }: RequestState, { fields }: ProgramHead, redirects: boolean): void {
  for (const [name, value] of fields)
    if (!single.has(name.toLowerCase())) headers.add(name, value)
    else if (!redirects) headers.set(name, value)
}

function redirect(state: RequestState, location: string): void {
  const { output, site } = state
  // a program in a site that is mounted at /legacy knows its URLs as the client does
  if (location.startsWith(`${site.prefix}/`))
    throw new InternalRedirect(location.slice(site.prefix.length).replace(/#.*/, ''), { asGet: true })
  const url = asciiUrl(location)
  output.status = 302
  output.headers.set('Location', url)
  output.contentType = 'text/html; charset=utf-8'
  output.write(redirectPage(302, url))
}

const isReason = (reason: string): boolean => /^[\t\x20-\x7e]+$/.test(reason)
