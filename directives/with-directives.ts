import { knownNames } from './known-names.ts'
import type { Merged } from './merged.ts'
import { valueContext } from './own-directives.ts'
import { DirectivesError, type Problem, type ProblemCode } from './problem.ts'
import type { ServerConfig } from './server-config.ts'
import { type DirectiveName, type Directives, rows } from './table.ts'
import { readWords } from './words.ts'

/**
 * The directives of one call, `getSession(impl, { PSOServiceId: 'Other' })`: those of the directory, with the given ones in
 * their place. Values are written as after `=`. Throws a DirectivesError.
 */
export function withDirectives(
  merged: Merged,
  given: Readonly<Record<string, string>>,
  server: ServerConfig,
): Directives {
  const context = valueContext(merged, server)
  const { at } = context
  const problems: Problem[] = []
  const complain = (code: ProblemCode, name: string, message: string, nearest?: string): void => {
    const hint = nearest === undefined ? {} : { hint: `did you mean ${nearest}?` }
    problems.push({ code, severity: 'error', at, name, message, ...hint })
  }
  const values: Partial<Record<DirectiveName, unknown>> = {}
  const names = knownNames(rows)
  for (const [written, text] of Object.entries(given)) {
    const name = names.find(written) as DirectiveName | undefined
    if (name === undefined) complain('unknown-directive', written, 'unknown directive', names.nearest(written))
    else if (rows[name].scope !== 'directory') complain('wrong-place', name, 'expected in server.ini')
    else
      try {
        values[name] = rows[name].kind.parse(readWords(text), context)
      } catch (error) {
        complain('bad-value', name, (error as Error).message)
      }
  }
  if (problems.length > 0) throw new DirectivesError(problems)
  return Object.freeze({ ...merged.directives, ...values }) as Directives
}
