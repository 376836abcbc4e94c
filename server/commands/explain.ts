import { resolve } from 'node:path'
import { createConfigStore, DirectivesError, explain, formatProblem, type HandlerRef } from '../../directives/index.ts'
import { type Content, chooseContent, outsideRefusal } from '../choose-content.ts'
import { directoryHandler } from '../directory-handler.ts'
import { knownFiles } from '../files/known-files.ts'
import { createLocator, type Location } from '../locate.ts'
import { phases } from '../phases.ts'
import { type Plan, planOf } from '../plan.ts'
import { type ConfigArguments, ConfigError, configSource, readConfig } from '../process/server-ini.ts'
import { Refusal } from '../refusal.ts'
import { commandModules, judgedOrProblem } from './own-directives.ts'

/** `pso explain URL`: what answers it, which functions each phase calls, and each directive in effect with its place; 1 where it is refused. */
export async function explainUrl(url: string, options: ConfigArguments): Promise<number> {
  try {
    const config = readConfig(configSource(options))
    const now = (): number => 0
    const workers = config.directives.Workers ?? 1
    const accessFileNames = config.directives.AccessFileName
    const locator = createLocator({
      root: config.documentRoot,
      scriptAliases: config.scriptAliases,
      accessFileNames,
      now,
      recheckMs: 0,
    })
    const store = createConfigStore(config, { now, recheckMs: 0 })
    const modules = commandModules()
    let path = url.replace(/^https?:\/\/[^/]*/, '') || '/'
    for (let round = 0; round < 10; round++) {
      const location = locator.locate(path)
      const { directory, name } = location
      const merged = store.configOf({ directory, name, path: location.path })
      const plan = planOf({ workers }, await judgedOrProblem(config, modules, merged))
      const content =
        plan.problems.length > 0
          ? undefined
          : chooseContent(location, plan, directoryHandler(plan.merged), knownFiles(now, 0))
      const refusal = content === undefined ? '500, its configuration has mistakes' : refusalOf(location, plan)
      print(location, plan, refusal ?? answerOf(content!, location), workers)
      if (refusal !== undefined || content?.kind === 'refuse') return 1
      if (content?.kind !== 'index' && content?.kind !== 'fallback') return 0
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

/** What line.ts refuses by the configuration, in its order; an index and a fallback are judged after what was asked for. */
function refusalOf(location: Location, { directives }: Plan): string | undefined {
  const outside = outsideRefusal(location, directives)
  if (outside !== undefined) return `403, ${outside}`
  return directives.Require === 'denied' ? '403, Require all denied' : undefined
}

function print(location: Location, plan: Plan, answer: string, workers: number): void {
  console.log(`${location.path}: ${answer}`)
  for (const { name, directive } of phases) {
    const functions = name === 'Content' ? [] : plan.phases[name]
    if (functions.length > 0) console.log(`  ${name}: ${functions.map(showFunction).join(' ')} (${directive})`)
  }
  for (const line of explain(plan.merged, workers)) console.log(line)
}

function answerOf(content: Content, location: Location): string {
  switch (content.kind) {
    case 'handler':
      return `${content.handlers.map(showFunction).join(' ')}, pathInfo ${JSON.stringify(content.pathInfo)}`
    case 'cgi':
      return `the CGI program ${location.file}, pathInfo ${JSON.stringify(content.pathInfo)}`
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
      return content.reason === undefined ? String(content.status) : `${content.status}, ${content.reason}`
  }
}

/** By its whole path: of several `handler.ts` it says which. */
const showFunction = (ref: HandlerRef): string => {
  const module = ref.module === 'pso' ? ref.module : resolve(ref.base, ref.module)
  return ref.function === undefined ? module : `${module}::${ref.function}`
}
