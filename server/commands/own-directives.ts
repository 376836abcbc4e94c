import {
  type Merged,
  type OwnDirective,
  type Problem,
  type ServerConfig,
  variantsBelow,
} from '../../directives/index.ts'
import { HandlerError } from '../modules/handler-error.ts'
import { createHandlerModules, type HandlerModules } from '../modules/load-handler.ts'
import { installModuleHooks } from '../modules/module-graph.ts'
import { whereThrown } from '../modules/where-thrown.ts'
import { declaredDirectives, judgeNames } from '../own-directives.ts'

/** The modules of a command that looks at a site and serves nothing. */
export function commandModules(): HandlerModules {
  installModuleHooks()
  return createHandlerModules({ now: () => 0, recheckMs: 0, development: true, report() {} })
}

/** The configuration with unknown names judged by its modules; a failure to do so is a problem at the last line with such a name. */
export async function judgedOrProblem(config: ServerConfig, modules: HandlerModules, merged: Merged): Promise<Merged> {
  const { merged: judged, failure } = await judgeNames({ config, modules }, merged)
  if (failure === undefined) return judged
  const last = [...judged.problems.filter(isUnknown), ...judged.unknown.map(({ problem }) => problem)].at(-1)!
  return { ...judged, problems: [...judged.problems, problemOf(failure, last)] }
}

const isUnknown = ({ code }: Problem): boolean => code === 'unknown-directive'

const problemOf = (error: HandlerError, { at, name }: Problem): Problem => ({
  code: 'unknown-directive',
  severity: 'error',
  at,
  ...(name === undefined ? {} : { name }),
  message: `cannot be judged: ${whereThrown(error).message}`,
})

/** What the classes of all modules of a site declare; `complain` hears of those that cannot be read. */
export async function allDeclared(config: ServerConfig, complain: (message: string) => void): Promise<OwnDirective[]> {
  const modules = commandModules()
  const found = new Map<string, OwnDirective>()
  const complaints = new Set<string>()
  for (const merged of variantsBelow(config).flatMap(({ variants }) => variants))
    try {
      for (const one of await declaredDirectives({ config, modules }, merged))
        found.set(`${one.name} ${one.declaredBy}`, one)
    } catch (error) {
      if (!(error instanceof HandlerError)) throw error
      complaints.add(whereThrown(error).message)
    }
  complaints.forEach(complain)
  return [...found.values()]
}
