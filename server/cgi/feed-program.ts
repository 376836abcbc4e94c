import type { Writable } from 'node:stream'
import { hasBody } from '../input/has-body.ts'
import { receiveBody } from '../input/receive-body.ts'
import type { RequestState } from '../request-state.ts'
import type { Program } from './program.ts'

/** True where there is a body that nobody has read. */
export const hasUnreadBody = (state: RequestState): boolean => hasBody(state) && !state.raw.readableDidRead

/**
 * Streams the request's body to a program as fast as that takes it. A body that is too large, or does not arrive, fails the program. A program
 * need not read all of it. Returns what ends the feeding.
 */
export function feedProgram(state: RequestState, stdin: Writable, program: Program): () => void {
  const { raw } = state
  let isOver = false
  const goOn = (): void => {
    program.progress()
    program.waitsForClient = true
    raw.resume()
  }
  const end = (): boolean => {
    const was = isOver
    isOver = true
    program.waitsForClient = false
    stdin.off('drain', goOn)
    return was
  }
  program.waitsForClient = true
  const receiving = receiveBody(state, chunk => {
    if (!stdin.write(chunk)) {
      raw.pause()
      program.waitsForClient = false
    }
    program.progress()
  })
  receiving.done.then(
    () => {
      if (end()) return
      program.progress()
      program.endInput()
    },
    error => {
      if (!end()) program.fail(error)
    },
  )
  const stop = (): void => {
    if (!end()) receiving.stop(new Error('the program takes no more of it'))
  }
  // EPIPE: it does not want any more
  stdin.on('error', stop).on('drain', goOn)
  return stop
}
