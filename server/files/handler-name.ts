import { extname } from 'node:path'
import type { Directives, HandlerName } from '../../directives/index.ts'

/** What runs a file of that name: SetHandler goes before AddHandler. `none` and undefined: no line says so. */
export const handlerNameOf = (
  file: string,
  { SetHandler, AddHandler }: Pick<Directives, 'SetHandler' | 'AddHandler'>,
): HandlerName | undefined =>
  SetHandler === undefined || SetHandler === 'none' ? AddHandler.get(extname(file).toLowerCase()) : SetHandler
