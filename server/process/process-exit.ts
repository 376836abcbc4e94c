import { requestContext } from '../request-context.ts'

/**
 * From now on process.exit throws an Error in a handler, which becomes that request's 500: the other requests of this process are not its
 * to end. Outside of a request it still ends the process.
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
