import type { Directive } from './directive.ts'
import { type DirectiveName, families, rows } from './table.ts'

/** The reference page, as Markdown: every directive by family. */
export function reference(): string {
  const sections = Object.entries(families).map(([family, members]) => {
    const names = Object.keys(members) as DirectiveName[]
    return [`## ${titles[family as keyof typeof families]}`, ...names.map(section)].join('\n\n')
  })
  return `${[introduction, ...sections].join('\n\n')}\n`
}

/** The same of one directive, as text for a terminal. */
export function describe(name: DirectiveName): string {
  const facts = factsOf(name)
  const width = Math.max(...facts.map(([label]) => label.length)) + 2
  const lines = facts.map(([label, text]) => `  ${label.padEnd(width)}${text}`)
  return [`${name} = ${rows[name].kind.syntax}`, '', `  ${rows[name].doc}`, '', ...lines, ''].join('\n')
}

const titles: Readonly<Record<keyof typeof families, string>> = {
  service: 'Services',
  session: 'Sessions',
  cookie: 'The session cookie',
  phases: 'Phases',
  content: 'What answers a URL',
  server: 'The server',
}

const introduction = `# Directives

Written from the table by \`npm run docs\`; do not edit.

A line is \`Name = arguments\`; names ignore case. \`Name =\` takes what was inherited back to the default.

How the value of a directory is made of its parent's and its own:

- **replace**: its own stands.
- **by key**: entry by entry; where both have one, its own stands.
- **append**: the parent's entries, then its own.
- **child first**: its own entries, then the parent's; the first that matches stands.
- **signed**: words with + and - change the parent's; words without signs replace it.`

const section = (name: DirectiveName): string =>
  [
    `### ${name}`,
    rows[name].doc,
    `\`\`\`ini\n${name} = ${rows[name].kind.syntax}\n\`\`\``,
    factsOf(name)
      .map(([label, text]) => `- ${label}: ${text}`)
      .join('\n'),
  ].join('\n\n')

function factsOf(name: DirectiveName): readonly (readonly [label: string, text: string])[] {
  const row = rows[name]
  return [
    ['Default', row.defaultDoc ?? (row.kind.show(row.default) || 'none')],
    ['Where', places[row.scope]],
    ...(row.scope === 'directory' ? [['AllowOverride', groupOf(row)] as const] : []),
    ['Merging', row.merge.name],
    ['Twice in one file', row.repeat === 'last' ? 'a warning, and the last stands' : (row.within ?? row.merge).name],
    ...(row.into === undefined ? [] : [['Counts as a line of', row.into] as const]),
    ...(row.aliases === undefined ? [] : [['Also written', row.aliases.join(', ')] as const]),
    ...(row.replaces === undefined ? [] : [['Instead of', row.replaces.join(', ')] as const]),
  ]
}

const places: Readonly<Record<Directive<unknown>['scope'], string>> = {
  server: 'server.ini',
  section: 'server.ini and its [Directory] sections',
  directory: 'server.ini, its sections, .psoaccess',
}

function groupOf({ override, overrideFor }: Directive<unknown>): string {
  if (override === 'any') return 'not needed'
  return overrideFor === undefined ? override : `${override}, or Handlers for pso-program`
}
