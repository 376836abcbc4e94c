import { checkWith, formatProblem } from '../../directives/index.ts'
import { type ConfigArguments, ConfigError, configSource } from '../process/server-ini.ts'
import { commandModules, judgedOrProblem } from './own-directives.ts'

/** `pso check`: every mistake in server.ini and the access files, one line each; 1 if there is an error, 0 for warnings alone. */
export async function checkFiles(options: ConfigArguments): Promise<number> {
  try {
    const modules = commandModules()
    const problems = await checkWith(configSource(options), (merged, config) =>
      judgedOrProblem(config, modules, merged),
    )
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
