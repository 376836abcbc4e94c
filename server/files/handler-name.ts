import { extname } from 'node:path'
import type { Directives, HandlerName } from '../../directives/index.ts'

/** The handler name that the directives give a file: SetHandler goes before AddHandler. `none` and undefined: they give it none. */
export const handlerNameOf = (
  file: string,
  { SetHandler, AddHandler }: Pick<Directives, 'SetHandler' | 'AddHandler'>,
): HandlerName | undefined =>
  SetHandler === undefined || SetHandler === 'none' ? AddHandler.get(extname(file).toLowerCase()) : SetHandler
