import { createConfigStore, DirectivesError, explain, formatProblem } from '../../directives/index.ts'
import { type Content, chooseContent } from '../choose-content.ts'
import { directoryHandler } from '../directory-handler.ts'
import { knownFiles } from '../known-files.ts'
import { createLocator, type Location } from '../locate.ts'
import { phases } from '../phases.ts'
import { type Plan, planOf } from '../plan.ts'
import { Refusal } from '../refusal.ts'
import { type ConfigArguments, ConfigError, configSource, readConfig } from '../server-ini.ts'

/** `pso explain URL`: what answers it, which functions each phase calls, and each directive in effect with its place; 1 where it is refused. */
export function explainUrl(url: string, options: ConfigArguments): number {
  try {
    const config = readConfig(configSource(options))
    const now = (): number => 0
    const accessFileNames = config.directives.AccessFileName
    const locator = createLocator({ root: config.documentRoot, accessFileNames, now, recheckMs: 0 })
    const store = createConfigStore(config, { now, recheckMs: 0 })
    let path = url.replace(/^https?:\/\/[^/]*/, '') || '/'
    for (let round = 0; round < 10; round++) {
      const location = locator.locate(path)
      const plan = planOf(
        { workers: 1 },
        store.configOf({ directory: location.directory, name: location.name, path: location.path }),
      )
      const content =
        plan.problems.length > 0
          ? undefined
          : chooseContent(location, plan, directoryHandler(plan.merged), knownFiles(now, 0))
      print(location, plan, content)
      if (content?.kind !== 'index' && content?.kind !== 'fallback') return plan.problems.length > 0 ? 1 : 0
      path = content.path
      console.log()
    }
    return 1
  } catch (error) {
    if (error instanceof Refusal) return fail(`${url}: ${error.status}, ${error.message}`, 1)
    if (error instanceof DirectivesError) return fail(error.problems.map(formatProblem).join('\n'), 1)
    if (error instanceof ConfigError) return fail(error.message, 2)
    throw error
  }
}

function fail(message: string, exitCode: number): number {
  console.error(message)
  return exitCode
}

function print(location: Location, plan: Plan, content: Content | undefined): void {
  console.log(`${location.path}: ${content === undefined ? '500, its configuration has mistakes' : answerOf(content)}`)
  for (const { name, directive } of phases) {
    const functions = name === 'Content' ? [] : plan.phases[name]
    if (functions.length > 0)
      console.log(
        `  ${name}: ${functions.map(ref => ref.module + (ref.function === undefined ? '' : `::${ref.function}`)).join(' ')} (${directive})`,
      )
  }
  for (const line of explain(plan.merged)) console.log(line)
}

function answerOf(content: Content): string {
  switch (content.kind) {
    case 'program':
      return `${content.handlers.map(ref => ref.module + (ref.function === undefined ? '' : `::${ref.function}`)).join(' ')}, pathInfo ${JSON.stringify(content.pathInfo)}`
    case 'static':
      return 'the file itself'
    case 'listing':
      return 'a listing of the directory'
    case 'index':
      return `its index, ${content.path}`
    case 'fallback':
      return `FallbackResource, ${content.path}`
    case 'redirect':
      return `${content.status} to ${content.to}`
    case 'refuse':
      return String(content.status)
  }
}
