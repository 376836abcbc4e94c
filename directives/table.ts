import type { Directive, ValueOf } from './directive.ts'
import { cgi } from './table/cgi.ts'
import { content } from './table/content.ts'
import { cookie } from './table/cookie.ts'
import { input } from './table/input.ts'
import { phases } from './table/phases.ts'
import { server } from './table/server.ts'
import { service } from './table/service.ts'
import { session } from './table/session.ts'

/** The rows by family, in the order of the reference. */
export const families = { service: service(isDirectiveName), session, cookie, phases, content, input, cgi, server }

/** THE table: every directive there is. */
export const table = {
  ...families.service,
  ...families.session,
  ...families.cookie,
  ...families.phases,
  ...families.content,
  ...families.input,
  ...families.cgi,
  ...families.server,
}

export type DirectiveName = keyof typeof table

/** The value of every directive. */
export type Directives = { readonly [Name in DirectiveName]: ValueOf<(typeof table)[Name]> }

export const directiveNames = Object.keys(table) as readonly DirectiveName[]

/** The name as the table spells it, whatever its case, aliases included. */
export function directiveNamed(name: string): DirectiveName | undefined {
  return byLowerCase.get(name.toLowerCase())
}

const byLowerCase: ReadonlyMap<string, DirectiveName> = new Map(
  directiveNames.flatMap(name =>
    [name, ...(table[name].aliases ?? [])].map(spelling => [spelling.toLowerCase(), name]),
  ),
)

function isDirectiveName(name: string): boolean {
  return directiveNamed(name) !== undefined
}

/** The same rows for who treats them all alike. */
export const rows: Readonly<Record<DirectiveName, Directive<unknown>>> = table
