import { check, formatProblem } from '../../directives/index.ts'
import { type ConfigArguments, ConfigError, configSource } from '../process/server-ini.ts'

/** `pso check`: every mistake of server.ini and of each access file, a line each; 1 where there is an error, warnings alone are 0. */
export function checkFiles(options: ConfigArguments): number {
  try {
    const problems = check(configSource(options))
    for (const problem of problems)
      console.log(`${problem.severity === 'warning' ? 'warning: ' : ''}${formatProblem(problem)}`)
    if (problems.length === 0) console.log('no mistakes found')
    return problems.some(({ severity }) => severity === 'error') ? 1 : 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    return 2
  }
}
