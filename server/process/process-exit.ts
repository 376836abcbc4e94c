import { requestContext } from '../request-context.ts'

/**
 * From now on a handler that calls process.exit gets an Error in its place, which becomes its own 500: the other requests of this
 * process are not its to end. Code outside of a request still ends the process.
 */
export function guardProcessExit(): void {
  const exit = process.exit
  process.exit = (code?: number | string | null) => {
    const state = requestContext.getStore()
    // without an argument it keeps process.exitCode
    if (state === undefined) return code === undefined ? exit.call(process) : exit.call(process, code)
    // a timer that it left behind belongs to it too, but not to the function that ran last
    const by = state.settled ? '' : `, by ${state.running ?? 'a handler module'}`
    throw new Error(`process.exit(${code ?? ''}) was called while a request was served${by}`)
  }
}
