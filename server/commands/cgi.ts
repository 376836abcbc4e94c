import type { HandlerProgram } from '../as-program/handler-program.ts'
import { runAsProgram } from '../as-program/run-as-program.ts'

/** `pso cgi FILE`: runs a handler as a CGI program, or from a shell. */
export const runFile = (file: string, options: Pick<HandlerProgram, 'dev' | 'production'>): Promise<number> =>
  runAsProgram({ ...options, file })
