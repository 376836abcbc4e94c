import type { Block, EnvironmentSetting, LineOrigin, Table } from './layer.ts'
import type { Origin, UnknownLine } from './merged.ts'
import type { DirectiveName, Directives } from './table.ts'
import { rows } from './table.ts'

/** What the lines read so far add up to; not in it: the default. Never changed, so that children share their parent's. */
export interface Settings {
  readonly values: ReadonlyMap<string, unknown>
  readonly origins: ReadonlyMap<string, readonly Origin[]>
  readonly environment: readonly (EnvironmentSetting & { readonly origin: Origin })[]
  readonly unknown: readonly UnknownLine[]
}

export const noSettings: Settings = { values: new Map(), origins: new Map(), environment: [], unknown: [] }

/** The settings with the lines of `block`, which speak for `directory`, on top. */
export function withBlock(settings: Settings, block: Block, directory: string, table: Table = rows): Settings {
  if (block.settings.size === 0 && block.unknown.length === 0) return settings
  const values = new Map(settings.values)
  const origins = new Map(settings.origins)
  const placed = (line: LineOrigin): Origin => ({ ...line, directory })
  for (const [name, setting] of block.settings) {
    const row = table[name]!
    if (setting.reset) values.delete(name)
    if ('value' in setting) {
      const inherited = values.has(name) ? values.get(name) : row.default
      values.set(name, row.merge.merge(inherited, setting.value))
    }
    origins.set(name, [...(origins.get(name) ?? []), ...setting.origins.map(placed)])
  }
  const environment = block.environment.map(line => ({ ...line, origin: placed(line.origin) }))
  return {
    values,
    origins,
    environment: environment.length === 0 ? settings.environment : [...settings.environment, ...environment],
    unknown: block.unknown.length === 0 ? settings.unknown : [...settings.unknown, ...block.unknown],
  }
}

/** The value of every directive, and the lines that made it. */
export function inEffect(settings: Settings, table: Table = rows): { directives: Directives; origins: Origins } {
  const values = new Map(settings.values)
  const origins = new Map(settings.origins)
  for (const [name, { value, origin }] of environmentOf(settings)) {
    if (origins.has(name)) continue
    values.set(name, table[name]!.merge.merge(table[name]!.default, value))
    origins.set(name, [origin])
  }
  const names = Object.keys(table)
  const directives = Object.fromEntries(
    names.map(name => [name, values.has(name) ? values.get(name) : table[name]!.default]),
  )
  return { directives: Object.freeze(directives) as Directives, origins: origins as Origins }
}

export type Origins = ReadonlyMap<DirectiveName, readonly Origin[]>

/** What SetEnv says of directives, the last line of each. */
function environmentOf({ environment }: Settings): Map<string, EnvironmentSetting & { origin: Origin }> {
  const last = new Map<string, EnvironmentSetting & { origin: Origin }>()
  for (const line of environment) {
    if (line.name === undefined) last.clear()
    else if (line.origin.reset) last.delete(line.name)
    else last.set(line.name, line)
  }
  return last
}
