import type { Kind, ValueContext } from './kind.ts'
import { either } from './kinds/expected.ts'
import { type OwnKindName, ownKind, ownKindNames } from './kinds/own.ts'
import { directiveNamed } from './table.ts'

/** As a class writes it: `static directives = { PSOSqliteLoader_Table: { kind: 'text', default: 'session', doc: 'Names the table.' } }`. */
export interface OwnDeclaration {
  /** A kind by its name, or the words of which the value is one. */
  readonly kind: OwnKindName | readonly string[]
  /** Absent: none. A path is relative to StateDirectory, as in a line. */
  readonly default?: string | number | boolean
  readonly doc: string
}

/** A directive that a class declares. */
export interface OwnDirective {
  readonly name: string
  readonly kind: Kind<unknown>
  /** The default as the words of a line; undefined: none. */
  readonly defaultWord: string | undefined
  readonly doc: string
  /** `FILE::CLASS`. */
  readonly declaredBy: string
}

/** Reads what a class declares. Throws a plain Error that says what is wrong with it and where; `context` is for the defaults. */
export function readDeclarations(declaredBy: string, declared: unknown, context: ValueContext): OwnDirective[] {
  const complain = (message: string): Error => new Error(`static directives of ${declaredBy}: ${message}`)
  if (typeof declared !== 'object' || declared === null)
    throw complain('expected an object, by the name of the directive')
  return Object.entries(declared).map(([name, given]): OwnDirective => {
    if (!/^PSO[A-Za-z0-9_-]{1,100}$/.test(name))
      throw complain(`expected names of PSO and letters, digits, _ or -, got ${JSON.stringify(name)}`)
    if (directiveNamed(name) !== undefined) throw complain(`${name} is a directive of pso`)
    const { kind: kindName, default: value, doc } = (given ?? {}) as Partial<OwnDeclaration>
    const [kind, type] = ownKind(kindName) ?? []
    if (kind === undefined) throw complain(`${name}: expected kind to be ${either(ownKindNames)}, or a list of words`)
    if (typeof doc !== 'string' || doc.trim() === '') throw complain(`${name}: expected doc to be a sentence`)
    const defaultWord = value === undefined ? undefined : wordOf(value)
    if (value !== undefined && typeof value !== type)
      throw complain(`${name}: expected default to be a ${type}, got a ${typeof value}`)
    try {
      if (defaultWord !== undefined) kind.parse([defaultWord], context)
    } catch (error) {
      throw complain(`${name}: the default: ${(error as Error).message}`)
    }
    return { name, kind, defaultWord, doc, declaredBy }
  })
}

const wordOf = (value: unknown): string => (typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value))

/** Each name once. Throws a plain Error where two classes declare one name differently. */
export function uniqueDirectives(directives: readonly OwnDirective[]): OwnDirective[] {
  const byName = new Map<string, OwnDirective>()
  for (const one of directives) {
    const key = one.name.toLowerCase()
    const other = byName.get(key)
    if (other === undefined) byName.set(key, one)
    else if (!isSame(one, other))
      throw new Error(
        `static directives of ${one.declaredBy}: ${other.declaredBy} declares ${other.name} in another way`,
      )
  }
  return [...byName.values()]
}

const isSame = (one: OwnDirective, other: OwnDirective): boolean =>
  one.name === other.name &&
  one.kind.syntax === other.kind.syntax &&
  one.defaultWord === other.defaultWord &&
  one.doc === other.doc
