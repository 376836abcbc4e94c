import {
  describe,
  describeNamed,
  describeOwn,
  directiveNames,
  insteadOf,
  nearestName,
  type OwnDirective,
} from '../../directives/index.ts'
import { type ConfigArguments, ConfigError, configSource, readConfig } from '../process/server-ini.ts'
import { allDeclared } from './own-directives.ts'

/**
 * `pso directives [NAME]`: the reference of all directives, or of one directive or section; 1 if there is none of that name. Includes those
 * that the site's own modules declare, where there is a site.
 */
export async function describeDirectives(name: string | undefined, options: ConfigArguments): Promise<number> {
  const builtIn = name === undefined ? directiveNames.map(describe).join('\n\n') : describeNamed(name)
  if (builtIn !== undefined) console.log(builtIn)
  if (name !== undefined && builtIn !== undefined) return 0
  const own = await declaredOf(options)
  const wanted = own.filter(one => name === undefined || one.name.toLowerCase() === name.toLowerCase())
  if (wanted.length > 0) console.log(`${name === undefined ? '\n' : ''}${wanted.map(describeOwn).join('\n\n')}`)
  if (name === undefined || wanted.length > 0) return 0
  const nearest = nearestName(
    name,
    own.map(one => one.name),
  )
  const instead = nearest === undefined ? insteadOf(name) : `did you mean ${nearest}?`
  console.error(`${name}: unknown directive${instead === undefined ? '' : ` (${instead})`}`)
  return 1
}

async function declaredOf(options: ConfigArguments): Promise<OwnDirective[]> {
  try {
    return await allDeclared(readConfig(configSource(options)), message => console.error(message))
  } catch (error) {
    // the reference of pso's own is of use without a site
    if (error instanceof ConfigError) return []
    throw error
  }
}
