import type { SessionImplementation } from '../../session/index.ts'
import type { Request } from '../api/request.ts'

/** A handler that is run as a program. */
export interface HandlerProgram {
  /** As it was named: its name, and not where a link leads, decides which directory configures it and which service it is by default. */
  readonly file: string
  /** In place of what the file exports. */
  readonly handler?: (request: Request) => unknown
  /** The class of its session, where no line names fixup functions. */
  readonly implementation?: SessionImplementation | undefined
  readonly dev?: boolean
  readonly production?: boolean
}
