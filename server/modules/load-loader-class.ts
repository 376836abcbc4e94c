import { resolve } from 'node:path'
import type { LoaderModule } from '../../directives/index.ts'
import { type Awaitable, isLoaderClass, type SessionImplementation } from '../../session/index.ts'
import type { Site } from '../site.ts'
import { HandlerError } from './handler-error.ts'
import type { HandlerModule } from './handler-module.ts'

/**
 * The class that PSOSessionLoader names, from the module as it is now; a promise while the module has to be loaded. Throws a HandlerError
 * when there is no such module or class.
 */
export function loadLoaderClass(site: Pick<Site, 'modules'>, choice: LoaderModule): Awaitable<SessionImplementation> {
  const loaded = loadModule(site, choice)
  return loaded instanceof Promise ? loaded.then(module => pick(module, choice)) : pick(loaded, choice)
}

function loadModule({ modules }: Pick<Site, 'modules'>, { base, module, at }: LoaderModule): Awaitable<HandlerModule> {
  try {
    return modules.load(base, module)
  } catch (error) {
    if (!(error instanceof HandlerError) || error.code !== 'handler-missing') throw error
    throw new HandlerError(error.code, `PSOSessionLoader: ${error.message}`, { file: error.file, at })
  }
}

function pick(module: HandlerModule, choice: LoaderModule): SessionImplementation {
  const { className, at } = choice
  const named = className === undefined ? module['default'] : module[className]
  if (isLoaderClass(named)) return named
  const [only, ...others] = new Set(Object.values(module).filter(isLoaderClass))
  if (className === undefined && only !== undefined && others.length === 0) return only
  const file = resolve(choice.base, choice.module)
  const loaders = Object.keys(module).filter(key => isLoaderClass(module[key]))
  const wanted = className === undefined ? 'one class with load and save' : `a class ${className} with load and save`
  const message = `PSOSessionLoader: expected ${wanted} in ${file}, it exports ${loaders.join(', ') || 'none'}`
  throw new HandlerError('class-missing', message, { file, at })
}
