import { createRequire } from 'node:module'
import type { SessionImplementation } from '../../session/index.ts'
import { isServing } from '../modules/module-graph.ts'
import { packageDirectory } from '../package-directory.ts'
import { exitWhenSaid, heedOutput } from '../process/exit-when-said.ts'
import type { Request } from './request.ts'

const require = createRequire(import.meta.url)

/**
 * Runs a handler as a CGI program or from a shell, in the file that has it (the how-to's "Installation Example"):
 * `if (import.meta.main) await new ServiceHandler(handler).run()`. With a class, the session is of that implementation.
 */
export class ServiceHandler {
  static #hasRun = false
  readonly #handler: (request: Request) => unknown
  readonly #implementation: SessionImplementation | undefined

  constructor(handler: (request: Request) => unknown, implementation?: SessionImplementation) {
    if (typeof handler !== 'function') throw new TypeError(`expected a handler function, got ${typeof handler}`)
    this.#handler = handler
    this.#implementation = implementation
  }

  /**
   * Answers the request of the environment, or of the shell, on standard output, and ends the process: 0, or 1 for an error. Use
   * `req.registerCleanup` for what is to run after the answer.
   */
  async run(): Promise<never> {
    if (isServing())
      throw new Error(
        'run() is for a file that node runs: if (import.meta.main) await new ServiceHandler(handler).run()',
      )
    if (ServiceHandler.#hasRun) throw new Error('run() was called before: a program answers one request')
    ServiceHandler.#hasRun = true
    heedOutput()
    // as cli.cjs does: it saves a third of the start
    require(`${packageDirectory}/server/compile-cache.cjs`).useCompileCache()
    const { runAsProgram } = await import('../as-program/run-as-program.ts')
    const exitCode = await runAsProgram({
      file: process.argv[1] ?? '',
      handler: this.#handler,
      implementation: this.#implementation,
    })
    return exitWhenSaid(exitCode)
  }
}
