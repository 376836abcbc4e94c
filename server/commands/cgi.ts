import { type Program, runAsProgram } from '../program/run-as-program.ts'

/** `pso cgi FILE`: runs a handler as a CGI program, or from a shell. */
export const runFile = (file: string, options: Pick<Program, 'dev' | 'production'>): Promise<number> =>
  runAsProgram({ ...options, file })
