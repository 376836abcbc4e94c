import type { Writable } from 'node:stream'
import { ServerReturn } from '../api/server-return.ts'
import type { RequestState } from '../request-state.ts'
import type { Program } from './program.ts'

/** True where the request has a body that nobody has read. */
export function hasBody({ raw, method, incoming }: RequestState): boolean {
  const { headers } = raw
  const isSent = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  // what answers in place of a POST is a GET
  return isSent && method === incoming.method && !raw.readableDidRead
}

/**
 * Streams the request's body to a program as it takes it. One over LimitRequestBody fails the program with 413. A program that does not
 * read it does no harm: the rest is dropped. The function that it returns ends the feeding.
 */
export function feedProgram({ raw, plan }: RequestState, stdin: Writable, program: Program): () => void {
  const limit = plan.directives.LimitRequestBody
  let size = 0
  let isOver = false
  const take = (chunk: Buffer): void => {
    size += chunk.length
    if (limit > 0 && size > limit) {
      stop()
      program.fail(new ServerReturn(413, `the body has more than ${limit} bytes (LimitRequestBody)`))
    } else if (!stdin.write(chunk)) {
      raw.pause()
      program.waitsForClient = false
    }
    program.progress()
  }
  const goOn = (): void => {
    program.progress()
    program.waitsForClient = true
    raw.resume()
  }
  const finish = (): void => {
    program.waitsForClient = false
    program.progress()
    stdin.off('drain', goOn).end()
  }
  const stop = (): void => {
    if (isOver) return
    isOver = true
    program.waitsForClient = false
    stdin.off('drain', goOn)
    // the rest stands before the next request of the connection
    raw.off('data', take).off('end', finish).resume()
  }
  program.waitsForClient = true
  // EPIPE: it does not want any more
  stdin.on('error', stop).on('drain', goOn)
  raw.on('data', take).on('end', finish)
  return stop
}
