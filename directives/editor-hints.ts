import { directiveNames, rows } from './table.ts'

/** The table as JSON, for completion and help in editors: one entry per directive, in the table's order. */
export function editorHints(): string {
  const directives = directiveNames.map(name => {
    const { kind, default: value, defaultDoc, scope, override, repeat, merge, aliases, replaces, doc } = rows[name]
    return {
      name,
      syntax: kind.syntax,
      default: defaultDoc ?? kind.show(value),
      scope,
      override,
      repeat,
      merge: merge.name,
      aliases: aliases ?? [],
      replaces: replaces ?? [],
      doc,
    }
  })
  // lists of names on one line, as the formatter has them
  return `${JSON.stringify({ directives }, null, 2).replace(/\[\n\s+("[^[\]]*")\n\s+\]/g, oneLine)}\n`
}

const oneLine = (_list: string, names: string): string => `[${names.replace(/\n\s+/g, ' ')}]`
